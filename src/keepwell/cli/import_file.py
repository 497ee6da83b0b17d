"""keepwell import: take in a file of history by a map that says which column is what."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.cli.import_text import report_text
from keepwell.cli.init import operator
from keepwell.cli.start import start


def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV, JSONL or Parquet.")],
    map_file: Annotated[
        Path | None,
        typer.Option(
            "--map",
            exists=True,
            dir_okay=False,
            readable=True,
            help="Which column is what (YAML); not needed with the columns account_id, event, timestamp.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be taken and what not; write nothing.")
    ] = False,
    source: Annotated[str | None, typer.Option(help="In place of the map's source.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Take in a CSV, JSONL or Parquet file, plain or gzip. Doing it twice changes nothing."""
    settings = start()
    from keepwell.jobs.import_file import do_import_file, preview_import, ready_import

    home, now = Home(settings.home), SystemClock().now()
    ready = ready_import(home, file, map_file, source=source)
    with _progress(file.name, ready.reader.size) as progress:
        if dry_run:
            found = preview_import(ready, now=now, progress=progress)
        else:
            found = do_import_file(home, ready, by=operator(), now=now, progress=progress)
    typer.echo(found.model_dump_json(indent=1) if as_json else report_text(found))


@contextmanager
def _progress(name: str, size: int) -> Iterator["_Advance"]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        yield _Advance(bar, name, size)


class _Advance:
    """Tells the progress bar how far the file has been read."""

    def __init__(self, bar: Progress, name: str, size: int) -> None:
        self._bar = bar
        self._task = bar.add_task(f"Reading {name}", total=size)

    def __call__(self, position: int) -> None:
        self._bar.update(self._task, completed=position)
