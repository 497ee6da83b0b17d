"""keepwell mapping: what the event names that programs send mean."""

from pathlib import Path
from typing import Annotated

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.cli.init import operator
from keepwell.cli.start import start

app = typer.Typer(no_args_is_help=True, help="Say what the event names that programs send mean.")

FileArgument = Annotated[
    Path | None, typer.Argument(help="The file that holds the mapping; mapping.yaml of the home when left out.")
]
SHOWN = 30


@app.command("check")
def check(file: FileArgument = None) -> None:
    """Say everything that is wrong with a mapping, as file:line: sentence, or what it would change."""
    settings = start()
    from keepwell.jobs.mapping import check_mapping, read_map_file
    from keepwell.jobs.read_mapping import preview_mapping

    home = Home(settings.home)
    path = file or home.mapping
    text = read_map_file(path)
    entries = len(check_mapping(home, str(path), text).events)
    found = preview_mapping(home, text, now=SystemClock().now())
    for sent, before, after, events in found.changes:
        typer.echo(f"{sent}: {before or 'ignored'} -> {after or 'ignored'}, {_count(events, 'event')}")
    if found.kept_out:
        typer.echo(f"{_count(found.kept_out, 'event')} came with browser keys (ing) and will not count as trusted.")
    typer.echo(f"{path}: {_count(entries, 'entry', 'entries')}; {_count(found.events, 'event')} would change.")


@app.command("publish")
def publish(file: FileArgument = None, note: Annotated[str, typer.Option(help="Why, for the history.")] = "") -> None:
    """Put a mapping into force and derive the event log anew by it. It contacts nobody; scores follow."""
    settings = start()
    from keepwell.jobs.catalogue import read_catalogue
    from keepwell.jobs.mapping import do_derive_history, do_publish_mapping, read_map_file
    from keepwell.jobs.package import log_columns, ready_log

    home, now = Home(settings.home), SystemClock().now()
    path = file or home.mapping
    published = do_publish_mapping(home, str(path), read_map_file(path), note=note, by=operator(), now=now)
    if published.is_new:
        typer.echo(f"Published mapping version {published.version.number}.")
    else:
        typer.echo(f"The mapping is unchanged: version {published.version.number} stays.")
    ready_log(home, log_columns(read_catalogue(home)))
    if do_derive_history(home, by=operator(), now=now):
        typer.echo("The event log is derived anew. A running worker scores all accounts now; else run: keepwell score")
    else:
        typer.echo("No event in the log means anything else by it.")


@app.command("show")
def show(
    unmapped: Annotated[bool, typer.Option("--unmapped", help="Names that no metric sees, with guesses.")] = False,
) -> None:
    """Print the mapping in force, or the names that nobody mapped."""
    settings = start()
    from keepwell.jobs.mapping import newest_mapping
    from keepwell.jobs.read_mapping import unmapped_names

    if unmapped:
        found = unmapped_names(Home(settings.home), now=SystemClock().now(), shown=SHOWN)
        for name in found.names:
            guess = name.guesses[0] if name.guesses else None
            hint = f"  perhaps {guess.event}: {', '.join(guess.reasons)}" if guess else ""
            typer.echo(f"{name.recent:>9} {name.events:>9}  {name.name} ({name.source}){hint}")
        typer.echo(f"{_count(found.total, 'name')} without a meaning; events of 30 days, and in all.")
        return
    version = newest_mapping()
    if version is None:
        typer.echo("No mapping is published: names mean what the aliases of the packages' catalogues say.")
        return
    typer.echo(
        f"# Version {version.number}, published {version.published_at:%Y-%m-%d %H:%M} by {version.published_by}."
    )
    typer.echo(version.text, nl=False)


def _count(number: int, noun: str, nouns: str = "") -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {nouns or noun + 's'}"
