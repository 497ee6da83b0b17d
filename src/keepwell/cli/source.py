"""keepwell source: who sends events."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.home import Home
from keepwell.cli.init import operator
from keepwell.cli.start import start

app = typer.Typer(help="Who sends events.", no_args_is_help=True)

# These are asked by `keepwell pull`; nothing is delivered to an address of ours.
ASKED = ("mail", "salesforce")
Setting = Annotated[list[str] | None, typer.Option("--setting", help="Of the connector, as name=value; repeat it.")]
SecretStdin = Annotated[bool, typer.Option("--secret-stdin", help="Read secrets from standard input, newest first.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="For ever a part of its events' identity, such as web-app.")],
    connector: Annotated[
        str, typer.Option(help="http for whoever holds a key, or a connector such as stripe.")
    ] = "http",
    setting: Setting = None,
    secret_stdin: SecretStdin = False,
) -> None:
    """Add a source. One that comes in by http needs a key next; one with a connector needs its secret."""
    settings = start()
    from keepwell.jobs.secret import open_vault
    from keepwell.jobs.source import HTTP, do_create_source

    source = do_create_source(
        name,
        connector=connector,
        settings=_settings(setting or []),
        secrets=_secrets() if secret_stdin else (),
        vault=open_vault(settings),
        by=operator(),
        now=SystemClock().now(),
    )
    typer.echo(f"Source:    {source.name} ({source.connector})")
    if source.connector == HTTP:
        typer.echo(f"Next:      keepwell key create --source {source.name} --kind srv   (ing for browsers)")
        return
    if source.connector not in ASKED:
        typer.echo(f"Address:   /hooks/{source.connector}/{source.name}, to be entered there")
    if not source.secrets:
        typer.echo(f"Next:      keepwell source change {source.name} --secret-stdin   (nothing is taken before)")


@app.command()
def change(name: str, setting: Setting = None, secret_stdin: SecretStdin = False) -> None:
    """Replace settings by name (name= removes one), or all secrets: the new one first, the old one below it."""
    settings = start()
    from keepwell.jobs.secret import open_vault
    from keepwell.jobs.source import do_change_source

    if setting is None and not secret_stdin:
        raise UserError("Nothing to change; expected --setting name=value or --secret-stdin.")
    source = do_change_source(
        name,
        settings=None if setting is None else _settings(setting),
        secrets=_secrets() if secret_stdin else None,
        vault=open_vault(settings),
        by=operator(),
        now=SystemClock().now(),
    )
    typer.echo(f"{source.name} is changed.")


@app.command("list")
def list_sources(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Show every source: its last event, its rate, what was rejected in 24 hours, and whether it is silent."""
    settings = start()
    from keepwell.jobs.silence import source_states
    from keepwell.store.models import Source
    from keepwell.store.read.source import source_rows

    now = SystemClock().now()
    rows = source_rows(Source.objects.all(), now=now)
    states = source_states(Home(settings.home), rows, now=now)
    if as_json:
        found = [
            {
                "name": row.name,
                "connector": row.connector,
                "state": states[row.id].state,
                "last_event_at": _stamp(row.last_event_at),
                "lag_s": None if row.last_event_at is None else (now - row.last_event_at).total_seconds(),
                "silent_from": _stamp(states[row.id].silent_from),
                "events_an_hour": row.events_an_hour,
                "received": row.received,
                **row.outcomes,
                "waiting": row.waiting,
                "rejected_share": row.rejected_share,
                "rejected_by_reason": row.rejected_by_reason,
            }
            for row in rows
        ]
        typer.echo(json.dumps(found, indent=1))
        return
    if not rows:
        typer.echo("There is no source yet. Add one with: keepwell source add NAME")
        return
    lines = [("source", "connector", "state", "last event", "an hour", "rejected", "waiting")]
    for row in rows:
        share = "-" if row.rejected_share is None else f"{row.rejected_share:.1%}"
        last = "never" if row.last_event_at is None else f"{ago(now - row.last_event_at)} ago"
        rate = f"{row.events_an_hour:,.1f}"
        lines.append((row.name, row.connector, states[row.id].state, last, rate, share, f"{row.waiting:,}"))
    show_table(lines)


@app.command()
def stop(name: str) -> None:
    """Refuse whatever the source sends from now on; what it sent stays."""
    start()
    from keepwell.jobs.source import do_stop_source

    do_stop_source(name, by=operator(), now=SystemClock().now())
    typer.echo(f"{name} is stopped; 'keepwell source resume {name}' takes its events again.")


@app.command()
def resume(name: str) -> None:
    """Take the events of a stopped source again."""
    start()
    from keepwell.jobs.source import do_resume_source

    do_resume_source(name, by=operator(), now=SystemClock().now())
    typer.echo(f"{name} is running.")


def ago(passed: timedelta) -> str:
    """A length of time in one unit."""
    seconds = max(0, int(passed.total_seconds()))
    for unit, size in (("day", 86_400), ("h", 3_600), ("min", 60)):
        count = seconds // size
        if count >= 1 and (unit != "h" or count < 48):
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"{seconds} s"


def show_table(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        typer.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def _settings(words: list[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name.strip():
            raise UserError(
                f"--setting {word!r} has no '='; expected name=value, such as account_field=metadata.account_id."
            )
        found[name.strip()] = _value(value) if value else None
    return found


def _value(text: str) -> object:
    """JSON where it is some, such as true, 5 or a list; else the text as it stands."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _secrets() -> list[str]:
    """One secret per line, so that none stands in the history of the shell or in the list of processes."""
    found = [line.strip() for line in sys.stdin.read().splitlines() if line.strip()]
    if not found:
        raise UserError(
            "Standard input held no secret; expected one per line, as in: keepwell source add … < secret.txt"
        )
    return found


def _stamp(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
