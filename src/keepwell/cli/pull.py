"""keepwell pull: ask other systems for what they hold, and take what is news."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.settings import Settings
from keepwell.cli.init import operator
from keepwell.cli.source import show_table
from keepwell.cli.start import start

if TYPE_CHECKING:
    from keepwell.jobs.inbox import Inbox
    from keepwell.jobs.pull import Outcome
    from keepwell.store.models import Source


def pull(
    source: Annotated[str | None, typer.Argument(help="The source that is asked, such as crm.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every source that can be pulled and has a token.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read the first page of everything and say what is news; write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Ask Stripe, Zendesk, HubSpot, Salesforce or a mailbox for what is new. Cut off, it goes on where it stopped."""
    settings = start()
    from keepwell.jobs.inbox import Inbox

    if (source is None) != is_all:
        raise UserError("Expected the name of a source, or --all; 'keepwell source list' shows the sources.")
    inbox = Inbox()
    inbox.start()
    failures: list[str] = []
    found: dict[str, list[Outcome]] = {}
    try:
        for one in _chosen(settings, source):
            try:
                found[one.name] = _pull_one(settings, one, inbox, dry_run=dry_run)
            except UserError as error:
                failures.append(str(error))
    finally:
        inbox.stop()
    _show(found, as_json=as_json, dry_run=dry_run)
    if failures:
        raise UserError("\n".join(failures))


def _chosen(settings: Settings, name: str | None) -> "list[Source]":
    from keepwell.jobs.pull import can_pull, pull_token
    from keepwell.jobs.secret import open_vault
    from keepwell.jobs.source import find_source
    from keepwell.store.models import Source

    if name is not None:
        return [find_source(name)]
    vault = open_vault(settings)
    rows = Source.objects.filter(is_active=True).order_by("name")
    return [row for row in rows if can_pull(row) and pull_token(row, vault)]


def _pull_one(settings: Settings, source: "Source", inbox: "Inbox", *, dry_run: bool) -> "list[Outcome]":
    from keepwell.jobs.pull import Puller, do_pull_source, pull_token
    from keepwell.jobs.secret import open_vault

    token = pull_token(source, open_vault(settings))
    with _progress(source.name) as progress:
        puller = Puller(source, token, settings.home, inbox, SystemClock(), progress, is_dry=dry_run)
        return do_pull_source(puller, by=operator())


def _show(found: "dict[str, list[Outcome]]", *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        told = {
            name: {
                one.resource: {
                    "records": one.records,
                    "events": one.events,
                    "known": one.known,
                    "rejected": one.rejected,
                }
                for one in outcomes
            }
            for name, outcomes in found.items()
        }
        typer.echo(json.dumps({"dry_run": dry_run, "sources": told}, indent=1))
        return
    lines: list[tuple[str, ...]] = [("source", "resource", "records", "new events", "known before", "rejected")]
    for name, outcomes in found.items():
        for one in outcomes:
            counts = (one.records, one.events, one.known, one.rejected)
            lines.append((name, one.resource, *(f"{count:,}" for count in counts)))
    show_table(lines)
    if dry_run:
        typer.echo("Nothing was written; these are the first pages only.")


@contextmanager
def _progress(source: str) -> "Iterator[_Rows]":
    """One line per resource with the records so far, on standard error and only where somebody looks."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        yield _Rows(bar, source)


class _Rows:
    """Tells how many records of each resource were read so far."""

    def __init__(self, bar: Progress, source: str) -> None:
        self._bar = bar
        self._source = source
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, resource: str, records: int) -> None:
        text = f"{self._source} {resource}: {records:,} records"
        if resource not in self._tasks:
            self._tasks[resource] = self._bar.add_task(text, total=None)
        self._bar.update(self._tasks[resource], description=text)
