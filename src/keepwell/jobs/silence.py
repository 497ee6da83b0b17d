"""Which sources are silent now: the rhythm of each from its own history, and its last event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from django.core.cache import cache

from keepwell.base.home import Home
from keepwell.facts.silence import HISTORY, Rhythm, Young, learn_rhythm
from keepwell.lake.log import EventLog
from keepwell.lake.rhythm import minutes_with_events
from keepwell.store.read.source import SourceRow, hours_of

Sending = Literal["sending", "silent", "learning", "waiting", "stopped"]
KEPT: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SourceState:
    """`waiting` for the first event, `learning` while no rhythm is known; `silent_from` is known with a rhythm."""

    state: Sending
    usual_until: datetime | None = None
    silent_from: datetime | None = None


def source_states(home: Home, rows: Sequence[SourceRow], *, now: datetime) -> dict[int, SourceState]:
    """The state of each source by its id. Rhythms are learnt anew every ten minutes."""
    asked = [row for row in rows if row.is_active and row.last_event_at is not None]
    rhythms = _rhythms(home, asked, now)
    return {row.id: _state(row, rhythms.get(row.id), now) for row in rows}


def _state(row: SourceRow, rhythm: Rhythm | Young | None, now: datetime) -> SourceState:
    if not row.is_active:
        return SourceState("stopped")
    if row.last_event_at is None:
        return SourceState("waiting")
    if rhythm is None:
        return SourceState("learning")
    silent_from = rhythm.silent_from(row.last_event_at)
    return SourceState(
        "silent" if now >= silent_from else "sending", rhythm.usual_until(row.last_event_at), silent_from
    )


def _rhythms(home: Home, rows: Sequence[SourceRow], now: datetime) -> dict[int, Rhythm | Young | None]:
    # One entry per home, for tests and demos have several in one process.
    name = f"rhythms:{home.path}:{now.timestamp() // KEPT.total_seconds():.0f}"
    known: dict[int, Rhythm | Young | None] = cache.get(name, {})
    missing = [row for row in rows if row.id not in known]
    if missing:
        minutes = minutes_with_events(EventLog(home.log), now - HISTORY)
        hours = hours_of([row.id for row in missing], now - HISTORY)
        for row in missing:
            known[row.id] = _learned(minutes.get(row.name, []), sorted(hours[row.id]))
        cache.set(name, known, KEPT.total_seconds())
    return known


def _learned(minutes: Sequence[int], hours: Sequence[datetime]) -> Rhythm | Young | None:
    """From the log to the minute where that tells enough, else from the ledger to the hour."""
    fine = learn_rhythm(minutes, 1)
    if isinstance(fine, Rhythm):
        return fine
    return learn_rhythm([int(hour.timestamp()) // 60 for hour in hours], 60) or fine
