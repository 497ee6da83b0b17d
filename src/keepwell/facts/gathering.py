"""When a recipient is told what: at once, but in one message instead of a storm.

What is to be told at once goes at once if the recipient was not told anything in the last ten minutes, and otherwise
waits until they are over; whatever waits then goes in one message. Critical notices break through the wait, up to three
times in ten minutes. Daily and weekly notices wait for their morning and go in a message of their own.
So a recipient gets at most `MOST_IN_WINDOW` messages in any ten minutes. A program gets each notice by itself
as soon as it is due.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, Literal

from keepwell.base.business_time import Calendar, next_working_time
from keepwell.facts.notice import SEVERITIES, Severity, Tell

Way = Literal["gathered", "broke_through", "scheduled"]

WINDOW: Final = timedelta(minutes=10)
BREAKTHROUGHS: Final = 3
MOST_IN_WINDOW: Final = 1 + BREAKTHROUGHS + 1
MORNING: Final = time(9)
MOST_AT_ONCE: Final = 8
"""Messages to one program that may be on their way together."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that one recipient was not told yet."""

    id: int
    severity: Severity
    tell: Tell
    queued_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Past:
    """A message that the recipient got, or may have got."""

    way: Way
    at: datetime


@dataclass(frozen=True, slots=True)
class Gathered:
    """One message to send: its notices by their ids, the most severe first, then the oldest."""

    way: Way
    ids: tuple[int, ...]


def due_at(tell: Tell, calendar: Calendar, *, now: datetime) -> datetime:
    """When a notice that comes up now may be told: at once, at nine on a working day, or on the week's first one."""
    if tell == "at_once":
        return now
    return next_working_time(now, calendar, MORNING, is_weekly=tell == "weekly")


def next_messages(waiting: Iterable[Waiting], past: Iterable[Past], *, now: datetime) -> list[Gathered]:
    """What one recipient is to be sent now."""
    due = [one for one in waiting if one.due_at <= now]
    at_once = [one for one in due if one.tell == "at_once"]
    critical = [one for one in at_once if one.severity == "critical"]
    scheduled = [one for one in due if one.tell != "at_once"]
    recent = [one.way for one in past if one.at > now - WINDOW]
    found = []
    if at_once and "gathered" not in recent:
        found.append(Gathered("gathered", _ordered(at_once)))
    elif critical and recent.count("broke_through") < BREAKTHROUGHS:
        found.append(Gathered("broke_through", _ordered(critical)))
    if scheduled and "scheduled" not in recent:
        found.append(Gathered("scheduled", _ordered(scheduled)))
    return found


def _ordered(notices: Sequence[Waiting]) -> tuple[int, ...]:
    ranked = sorted(notices, key=lambda one: (SEVERITIES.index(one.severity), one.queued_at, one.id))
    return tuple(one.id for one in ranked)


def one_by_one(due: Iterable[Waiting]) -> list[Gathered]:
    """What one program is to be sent now: a message for each notice, the oldest first, and not too many at once."""
    oldest = sorted(due, key=lambda one: (one.queued_at, one.id))
    return [Gathered("gathered", (one.id,)) for one in oldest[:MOST_AT_ONCE]]
