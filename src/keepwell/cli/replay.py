"""keepwell replay: what the playbooks of a package would have done over history. Nobody is contacted."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.home import Home
from keepwell.base.periods import format_period, parse_period
from keepwell.base.settings import Settings
from keepwell.cli.issue import count
from keepwell.cli.start import start, start_new

SHORTEST = timedelta(minutes=15)


def replay(
    package: Annotated[str, typer.Option("--package", help="Id of a published package with playbooks.")],
    begin: Annotated[str, typer.Option("--from", help="A date or a moment; without a zone UTC is meant.")],
    end: Annotated[str, typer.Option("--to", help="A date or a moment, now at the latest.")],
    every: Annotated[str, typer.Option("--every", help="How often to look, such as 6h; 15m at least.")] = "6h",
    approved: Annotated[bool, typer.Option("--approved", help="Suppose that whoever is asked says yes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines; docs/playbooks.md has the shape.")] = False,
) -> None:
    """Say what the playbooks of a package would have done over history. It works on a copy and contacts nobody."""
    settings = start()
    from keepwell.jobs.replay_home import ReplayPlan, do_make_replay_home

    begins_at, ends_at, step = _moment(begin), _moment(end), _period(every)
    if not begins_at < ends_at <= SystemClock().now():
        raise UserError("A replay is about history: --from must lie before --to, and --to must not lie ahead.")
    plan = ReplayPlan(package, begins_at, ends_at, step, approved)
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="keepwell-replay-") as folder, console.status("Going through history"):
        do_make_replay_home(Home(settings.home), Path(folder), plan)
        told = _inside(Path(folder), settings)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for line in _lines(told, plan.every, begins_at, ends_at):
        typer.echo(line)


def replay_inside() -> None:
    """The replay itself, in the home that `keepwell replay` made for it."""
    settings = start_new()
    from keepwell.jobs.replay import Replay
    from keepwell.jobs.replay_home import do_load_rows
    from keepwell.lake.duckdb_engine import embedded_engine

    plan = do_load_rows(settings.home)
    report = Replay(Home(settings.home), embedded_engine(), settings.calendar, plan).do_replay()
    typer.echo(json.dumps(asdict(report)))


def _inside(folder: Path, settings: Settings) -> dict[str, Any]:
    """In a process of its own, whose state is the copy whatever this one's is, and which knows no mail server."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("KEEPWELL_")}
    others.pop("DATABASE_URL", None)
    own = {
        "KEEPWELL_HOME": str(folder),
        "KEEPWELL_CALENDAR_ZONE": settings.calendar_zone,
        "KEEPWELL_CALENDAR_COUNTRY": settings.calendar_country,
        "KEEPWELL_CALENDAR_HOURS": settings.calendar_hours,
    }
    command = [sys.executable, "-m", "keepwell.cli.main", "replay-inside"]
    done = subprocess.run(command, env=others | own, capture_output=True, text=True, check=False)  # noqa: S603  # our own command
    if done.returncode:
        raise UserError(f"The replay failed: {done.stderr.strip() or f'it ended with code {done.returncode}'}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _lines(told: Mapping[str, Any], every: timedelta, begins_at: datetime, ends_at: datetime) -> Iterator[str]:
    span = f"{begins_at:%Y-%m-%d %H:%M} to {ends_at:%Y-%m-%d %H:%M} UTC"
    yield f"{told['version']} from {span}, with a look every {format_period(every)} at least. Nobody was contacted."
    yield f"Would have opened {count(told['alerts'], 'alert')}."
    yield f"Would have started {_summed(told['started'], 'enrolment')}"
    yield f"Would have ended {_summed(told['ended'], 'enrolment')}"
    sent, contacts = count(told["sent"], "message"), count(told["contacts"], "contact")
    yield f"Would have sent {sent} to {contacts}, and shown {told['shown']:,} in the product."
    yield f"Would still be asking for a yes for {_summed(told['asked'], 'message')}"
    yield f"Would have held back {_summed(told['held_back'], 'message')}"
    yield f"Would have suppressed {_summed(told['suppressed'], 'message')}"
    yield f"Would have created {_summed(told['tasks'], 'task')}"
    yield f"{told['turns']:,} turns over {told['accounts']:,} accounts took {told['seconds']:,} s."


def _summed(counts: Mapping[str, int], noun: str) -> str:
    listed = "; ".join(f"{word.rstrip('.')} {count:,}" for word, count in counts.items())
    return count(sum(counts.values()), noun) + (f": {listed}." if counts else ".")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"'{text}' is no moment; expected 2026-01-01 or 2026-01-01T12:00+01:00.") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _period(text: str) -> timedelta:
    try:
        found = parse_period(text)
    except ValueError as error:
        raise UserError(str(error)) from None
    if found < SHORTEST:
        raise UserError(f"--every {text} is too often; expected {format_period(SHORTEST)} or more, such as 6h.")
    return found
