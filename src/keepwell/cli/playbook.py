"""keepwell playbooks: what there is, what one would do at an account, and starting and ending them by hand."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter

from keepwell.base.business_time import Calendar
from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.wall_time import instant_of
from keepwell.cli.contact import AccountArgument
from keepwell.cli.init import operator
from keepwell.cli.playbook_lines import preview_lines
from keepwell.cli.signal import named_account
from keepwell.cli.source import show_table
from keepwell.cli.start import start

if TYPE_CHECKING:
    from keepwell.store.models import Account

app = typer.Typer(help="What is done for accounts after a signal.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="For machines; docs/playbooks.md has the shape.")]
PlaybookOption = Annotated[str, typer.Option("--playbook", help="Only this one, by its id.")]
AtOption = Annotated[str, typer.Option("--at", help="When it would start: 2026-12-01T10:00 by the clock of your team.")]


@app.command("list")
def show(as_json: JsonOption = False) -> None:
    """List the playbooks of the newest version of each package, with how many enrolments are open."""
    start()
    from keepwell.jobs.enrolment_start import playbook_versions
    from keepwell.store.models import EnrolmentRecord
    from keepwell.store.read.package import playbooks_of

    rows = EnrolmentRecord.objects.filter(finished_at=None).values_list("package", "playbook")
    is_open = Counter(rows)
    found = [
        (package, name, one)
        for package, version in playbook_versions().items()
        for name, one in sorted(playbooks_of(version).playbooks.items(), key=lambda pair: (-pair[1].priority, pair[0]))
    ]
    if as_json:
        told = [
            {
                "package": package,
                "playbook": name,
                "title": one.title,
                "starts_on": list(one.starts_on),
                "priority": one.priority,
                "open_enrolments": is_open[package, name],
            }
            for package, name, one in found
        ]
        typer.echo(json.dumps(told, indent=2))
        return
    if not found:
        typer.echo("No package with playbooks is published yet. Publish one: keepwell model publish PACKAGE.")
        return
    lines = [("package", "playbook", "title", "starts on", "priority", "open enrolments")]
    for package, name, one in found:
        numbers = str(one.priority), str(is_open[package, name])
        lines.append((package, name, one.title, ", ".join(one.starts_on), *numbers))
    show_table(lines)


@app.command()
def preview(
    account: AccountArgument,
    playbook: PlaybookOption = "",
    at: AtOption = "",
    full: Annotated[bool, typer.Option("--full", help="Show the text of messages, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what playbooks would do at an account if everything stayed as it is and nobody answered. Nothing is done."""
    settings = start()
    from keepwell.jobs.playbook_preview import Previews, preview_playbooks
    from keepwell.lake.duckdb_engine import embedded_engine

    now = SystemClock().now()
    starts_at = _start(at, settings.calendar, now) if at else now
    found = preview_playbooks(settings, embedded_engine(), _named(account), playbook, starts_at, now=now)
    if as_json:
        typer.echo(json.dumps(TypeAdapter(Previews).dump_python(found, mode="json"), indent=2))
        return
    for line in preview_lines(found, is_full=full):
        typer.echo(line)


@app.command("start")
def begin(account: AccountArgument, playbook: Annotated[str, typer.Argument(help="The playbook, by its id.")]) -> None:
    """Start a playbook at an account; the worker does what is due at once."""
    settings = start()
    from keepwell.jobs.enrolment_start import do_start_playbook

    named = _named(account)
    record = do_start_playbook(named, playbook, settings.calendar, by=operator(), now=SystemClock().now())
    typer.echo(f"{named} goes through the playbook '{playbook}' as enrolment {record.pk}.")


@app.command()
def end(enrolment: Annotated[int, typer.Argument(help="The number of the enrolment.")]) -> None:
    """End an enrolment; nothing more comes of it."""
    start()
    from keepwell.jobs.enrolment_start import do_end_playbook

    record = do_end_playbook(enrolment, by=operator(), now=SystemClock().now())
    typer.echo(f"The enrolment {enrolment} is over: '{record.playbook}' at {record.account}.")


def _named(key: str) -> "Account":
    found = named_account(key)
    if found is None:
        raise UserError("Name an account; 'keepwell score' lists them.")
    return found


def _start(text: str, calendar: Calendar, now: datetime) -> datetime:
    """Without a zone, the clock of the team is meant."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"'{text}' is no moment; expected 2026-12-01T10:00 or 2026-12-01T10:00Z.") from None
    moment = found.astimezone(UTC) if found.tzinfo else instant_of(found, calendar.place)
    if moment < now:
        raise UserError(f"--at lies in the past: it is {now:%Y-%m-%d %H:%M} UTC. A preview is about what is to come.")
    return moment
