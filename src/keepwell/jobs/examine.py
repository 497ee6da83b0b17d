"""The examination of an installation: does everything that must hold, hold now?"""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min, Sum

from keepwell.base.home import Home
from keepwell.jobs.audit import verify_chain
from keepwell.jobs.auditor import TITLES
from keepwell.jobs.silence import source_states
from keepwell.jobs.stall import LATEST_NOTICE, LATEST_STEP, LONGEST_WAIT
from keepwell.lake.log import EventLog
from keepwell.store.models import AuditorLook, InboxBatch, RejectedEvent, Source, Stall
from keepwell.store.read.enrolment import open_enrolments, overdue_steps
from keepwell.store.read.notification import notification_health
from keepwell.store.read.score import newest_as_of, unscored_since
from keepwell.store.read.sending import read_sending, sending_state
from keepwell.store.read.source import ledger_differences, source_rows
from keepwell.store.read.touch import recent_touches

Verdict = Literal["well", "look", "ill"]

OLDEST_SCORE: Final = timedelta(hours=24)
# A worker lets no score grow older than an hour.
WATCHED_WITHIN: Final = timedelta(hours=2)
# The auditor looks once a minute.
LATEST_AUDIT: Final = timedelta(minutes=5)
TOUCHES: Final = {
    "failed": "that failed",
    "unknown": "that may have arrived or not",
    "unwritten": "that lacked a field",
}
LEAST_FREE: Final = 1_000_000_000
SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look showed. `look` asks for a person's attention, `ill` says that a promise is not kept."""

    what: str
    verdict: Verdict
    sentence: str


def examine(home: Home, *, now: datetime) -> Iterator[Finding]:
    """Look at everything, one finding each; what cannot be looked at is ill, and the rest goes on."""
    for what, look in _LOOKS:
        try:
            verdict, sentence = look(home, now)
        except (DatabaseError, OSError) as error:
            verdict, sentence = "ill", f"It could not be looked at: {error}"
        yield Finding(what, verdict, sentence)


def _database(home: Home, now: datetime) -> tuple[Verdict, str]:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return "ill", f"{len(missing)} migrations are missing; run 'keepwell init', which keeps what is there."
    return "well", f"The state is in {connection.vendor}, with every migration."


def _log(home: Home, now: datetime) -> tuple[Verdict, str]:
    log = EventLog(home.log)
    if not log.exists():
        return "look", "There is no event log yet; the first import or the worker makes it."
    files = log.files()
    return "well", f"The event log holds {sum(file.rows for file in files):,} events in {len(files)} files."


def _space(home: Home, now: datetime) -> tuple[Verdict, str]:
    free = shutil.disk_usage(home.path).free
    told = f"{free / 1e9:,.1f} GB are free where {home.path} is"
    if free < LEAST_FREE:
        return "ill", f"{told}; below 1 GB. Without space events are refused, and senders keep them."
    return "well", f"{told}."


def _worker(home: Home, now: datetime) -> tuple[Verdict, str]:
    with (home.path / "worker.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "well", "A worker is running."
    return "ill", "No worker is running, so nothing reaches the log; start 'keepwell serve' or 'keepwell worker'."


def _inbox(home: Home, now: datetime) -> tuple[Verdict, str]:
    found = InboxBatch.objects.aggregate(events=Sum("events"), oldest=Min("known_at"))
    if not found["events"]:
        return "well", "Nothing waits in the inbox."
    wait = now - found["oldest"]
    told = f"{found['events']:,} events wait in the inbox, the oldest for {wait.total_seconds():,.0f} s"
    return ("ill" if wait > LONGEST_WAIT else "well"), f"{told}."


def _ledger(home: Home, now: datetime) -> tuple[Verdict, str]:
    differences = ledger_differences()
    if not differences:
        return "well", "The ledger adds up: received = accepted + duplicate + conflict + rejected + waiting."
    told = "; ".join(
        f"{one.source_name}, key {one.key}, {one.hour:%Y-%m-%d %H:00}: received {one.received:,}, found {one.found:,}"
        for one in differences[:SHOWN]
    )
    return "ill", f"The ledger does not add up in {len(differences)} hours: {told}."


def _sources(home: Home, now: datetime) -> tuple[Verdict, str]:
    rows = source_rows(Source.objects.all(), now=now)
    states = source_states(home, rows, now=now)
    silent = [row.name for row in rows if states[row.id].state == "silent"]
    if silent:
        return "look", f"{', '.join(silent)}: no events for longer than usual. What depends on them is not judged."
    return "well", f"{len(rows)} {'source' if len(rows) == 1 else 'sources'}, none silent."


def _rejected(home: Home, now: datetime) -> tuple[Verdict, str]:
    day = RejectedEvent.objects.filter(replayed_at=None, known_at__gte=now - timedelta(days=1))
    count = day.count()
    if not count:
        return "well", "No event of the last 24 hours was rejected."
    codes = sorted(set(day.values_list("code", flat=True)))
    return "look", f"{count:,} events of the last 24 hours were rejected ({', '.join(codes)}); see the page Sources."


def _scores(home: Home, now: datetime) -> tuple[Verdict, str]:
    newest = newest_as_of()
    if newest is None:
        return "look", "Nothing was scored yet."
    age = now - newest
    told = f"The newest scores are as of {newest:%Y-%m-%d %H:%M} UTC"
    return ("ill" if age > OLDEST_SCORE else "well"), f"{told}."


def _coverage(home: Home, now: datetime) -> tuple[Verdict, str]:
    unwatched, running = unscored_since(now - WATCHED_WITHIN, on=now.date())
    if not running:
        return "look", "No running account has told of an event yet."
    if not unwatched:
        return "well", f"All running accounts ({running:,}) have a score of the last 2 hours."
    told = f"{unwatched:,} of {running:,} running accounts have no score of the last 2 hours"
    late, _ = unscored_since(now - OLDEST_SCORE, on=now.date())
    if late:
        return "ill", f"{told}, {late:,} none of the last 24 hours; 'keepwell score' or a worker makes them."
    return "look", f"{told}; a worker makes them."


def _notifications(home: Home, now: datetime) -> tuple[Verdict, str]:
    found = notification_health(now=now, late=LATEST_NOTICE)
    told = []
    if found.untold:
        told.append(
            f"nobody was told of {found.untold:,} alerts and other signals, because no route leads to anybody who is "
            "to be told: keepwell notify add EMAIL"
        )
    if found.overdue:
        told.append(f"{found.overdue:,} notices are overdue by more than 20 minutes: keepwell notify list")
    if found.failed or found.unknown:
        told.append(
            f"in the last 24 hours {found.failed:,} notices failed and {found.unknown:,} may have arrived or not: "
            "keepwell notify recent"
        )
    if not told:
        return "well", "Whoever was to be told in the last 24 hours was told."
    sentence = "; ".join(told)
    return "look", f"{sentence[0].upper()}{sentence[1:]}."


def _playbooks(home: Home, now: datetime) -> tuple[Verdict, str]:
    overdue = overdue_steps(now - LATEST_STEP)
    count = overdue.count()
    if not count:
        return "well", f"No step of a playbook is overdue; {open_enrolments():,} enrolments are open."
    oldest = overdue.values_list("due_at", flat=True)[0] or now
    waited = (now - oldest).total_seconds()
    return "ill", f"Steps of {count:,} enrolments are overdue, the oldest for {waited:,.0f} s; a worker does them."


def _messages(home: Home, now: datetime) -> tuple[Verdict, str]:
    counts, state = recent_touches(now - timedelta(days=1)), sending_state(read_sending())
    told = [f"{counts[one]:,} {words}" for one, words in TOUCHES.items() if counts.get(one)]
    if told:
        return "look", f"In the last 24 hours messages to contacts came to: {', '.join(told)}. See the page Outbox."
    words = {"off": "Sending to contacts is off", "on": "Sending to contacts is on", "stopped": "Sending is stopped"}
    return "look" if state == "stopped" else "well", f"{words[state]}; no message of the last 24 hours failed."


def _auditor(home: Home, now: datetime) -> tuple[Verdict, str]:
    audit = AuditorLook.objects.first()
    if audit is None:
        return "look", "The auditor has not looked yet; it runs in the worker, once a minute."
    told = f"The auditor looked {(now - audit.looked_at).total_seconds():,.0f} s ago"
    if now - audit.looked_at > LATEST_AUDIT:
        return "ill", f"{told}; it should once a minute. Restart the worker."
    stalls = Stall.objects.filter(ended_at=None).order_by("since")
    if stalls:
        words = "; ".join(f"{TITLES[one.what]}, since {one.since:%Y-%m-%d %H:%M} UTC" for one in stalls)
        return "ill", f"{told} and found: {words}."
    if audit.unheard:
        return "look", f"{told}; nothing stalls, but its heartbeat was not taken: {audit.unheard}"
    monitor = "" if audit.heard_at else " No outside monitor is set (KEEPWELL_HEARTBEAT_URL)."
    return "well", f"{told}; nothing stalls.{monitor}"


def _audit(home: Home, now: datetime) -> tuple[Verdict, str]:
    found = verify_chain()
    if found.holds:
        return "well", f"The chain of {found.entries:,} acts holds."
    return "ill", f"The chain of acts is broken at entry {found.broken_at}; see 'keepwell audit verify'."


_LOOKS: Final[tuple[tuple[str, Callable[[Home, datetime], tuple[Verdict, str]]], ...]] = (
    ("database", _database),
    ("event log", _log),
    ("space", _space),
    ("worker", _worker),
    ("inbox", _inbox),
    ("ledger", _ledger),
    ("sources", _sources),
    ("rejected events", _rejected),
    ("scores", _scores),
    ("coverage", _coverage),
    ("notifications", _notifications),
    ("playbooks", _playbooks),
    ("messages", _messages),
    ("auditor", _auditor),
    ("audit", _audit),
)
