"""Which work waits for longer than it ever should."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db.models import Min, Model, Q, QuerySet

from keepwell.jobs.enrolment import due_records
from keepwell.store.models import InboxBatch, Notification, Touch
from keepwell.store.read.sending import read_sending

M = TypeVar("M", bound=Model)
# The worker turns every second; older events than this wait for something that went wrong.
LONGEST_WAIT: Final = timedelta(minutes=2)
# What is due is done, suppressed or shown as overdue within this.
LATEST_STEP: Final = timedelta(minutes=1)
# The first notice goes at once, further ones within ten minutes.
LATEST_NOTICE: Final = timedelta(minutes=20)
# One worker hands over some fifty messages a second, so thousands that fall due together take a while.
LATEST_MESSAGE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of work: `waiting_since` is when the oldest of it should have moved, None where nothing waits, and it
    stalls once that is longer ago than `patience`. `link` is the page that shows it."""

    what: str
    title: str
    patience: timedelta
    link: str
    waiting_since: Callable[[datetime], datetime | None]


def _oldest(rows: QuerySet[M], column: str) -> datetime | None:
    found: datetime | None = rows.aggregate(oldest=Min(column))["oldest"]
    return found


def _events(now: datetime) -> datetime | None:
    return _oldest(InboxBatch.objects.all(), "known_at")


def _steps(now: datetime) -> datetime | None:
    return _oldest(due_records(now=now), "due_at")


def _texts(now: datetime) -> datetime | None:
    return _oldest(Touch.objects.filter(state="draft"), "queued_at")


def _messages(now: datetime) -> datetime | None:
    """What the stop switch holds back waits because somebody said so."""
    if read_sending().is_stopped:
        return None
    return _oldest(Touch.objects.filter(state="todo", due_at__lte=now), "due_at")


def _claims(now: datetime) -> datetime | None:
    over = Touch.objects.filter(state="claimed", lease_until__lte=now)
    return _oldest(over, "lease_until")


def _notices(now: datetime) -> datetime | None:
    """A route that rests was refused by its target, which is told elsewhere."""
    due = Notification.objects.filter(state="todo", due_at__lte=now)
    awake = Q(route__paused_until=None) | Q(route__paused_until__lte=now)
    return _oldest(due.filter(awake), "due_at")


WORKS: Final[Sequence[Work]] = (
    Work("events", "Events wait in the inbox", LONGEST_WAIT, "/sources", _events),
    Work("steps", "Steps of playbooks are overdue", LATEST_STEP, "/enrolments", _steps),
    Work("texts", "Messages wait for their text", LATEST_MESSAGE, "/outbox", _texts),
    Work("messages", "Messages to contacts are overdue", LATEST_MESSAGE, "/outbox", _messages),
    Work("claims", "Messages stay claimed", LATEST_STEP, "/outbox", _claims),
    Work("notices", "Notices to members are overdue", LATEST_NOTICE, "/", _notices),
)


def stalled(*, now: datetime) -> dict[str, datetime]:
    """The kinds of work that stall, each with the moment since when the oldest of it waits."""
    found = {work.what: work.waiting_since(now) for work in WORKS}
    patience = {work.what: work.patience for work in WORKS}
    return {what: since for what, since in found.items() if since is not None and now - since > patience[what]}
