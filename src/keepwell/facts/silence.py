"""Is a source silent? Judged by its own rhythm: how it usually sends in each hour of the week.

Time is counted in *expected arrivals*: an hour in which the source usually sends in 60 different minutes counts 60, an
hour in which it never sends counts nothing. On that clock nights and weekends take no time, and the gaps of one source
can be compared with each other, whenever they fell. A source is silent when the gap since its last event is clearly
longer than the longest of its own.

What it is blind to: a day off that the weeks before did not have looks like silence, and it is one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

HISTORY: Final = timedelta(weeks=8)
# Sooner than this nobody is told: a restart of the sender or of ours is no silence.
SOONEST: Final = timedelta(minutes=10)
# A rhythm of the week is known after two of them, and no rhythm from fewer gaps than these.
LEARNING: Final = timedelta(weeks=2)
FEWEST_GAPS: Final = 4
# Before that: so many gaps, and longer than any weekend with a holiday.
YOUNG_GAPS: Final = 24
YOUNG_WAIT: Final = timedelta(days=4)

HOURS: Final = 168
WEEK_MIN: Final = HOURS * 60

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How a source sends. `before` is how many arrivals are expected from the start of the week to each hour of it.

    `usual` is the longest gap that is nothing special and `allowed` the longest that is not silence yet, both in
    expected arrivals.
    """

    before: Numbers = field(repr=False)
    usual: float
    allowed: float

    def usual_until(self, last_event_at: datetime) -> datetime:
        """When a gap after this event is as long as it usually is at most."""
        return self._after(last_event_at, self.usual)

    def silent_from(self, last_event_at: datetime) -> datetime:
        """The moment from which the source counts as silent, if nothing comes before it."""
        return max(self._after(last_event_at, self.allowed), last_event_at + SOONEST)

    def _after(self, moment: datetime, arrivals: float) -> datetime:
        """When so many arrivals would have been expected since the moment."""
        weeks, rest = divmod(_minutes(moment), WEEK_MIN)
        target = float(np.interp(rest, _EDGES, self.before)) + arrivals
        more, left = divmod(target, float(self.before[-1]))
        hour = max(int(np.searchsorted(self.before, left, side="left")), 1)
        rate = self.before[hour] - self.before[hour - 1]
        part = (left - self.before[hour - 1]) / rate if rate > 0 else 0.0
        return _moment((weeks + more) * WEEK_MIN + (hour - 1 + part) * 60)


@dataclass(frozen=True, slots=True)
class Young:
    """Too little is known for a rhythm; only a long silence after regular sending is noticed."""

    wait: timedelta

    def usual_until(self, last_event_at: datetime) -> datetime:
        return last_event_at + self.wait

    def silent_from(self, last_event_at: datetime) -> datetime:
        return last_event_at + self.wait


def learn_rhythm(starts: Sequence[int], slot_min: int) -> Rhythm | Young | None:
    """What to expect of a source that sent in these slots of time; None while too little is known.

    `starts` are the minutes since 1970 at which slots of `slot_min` minutes with at least one event begin, each
    once, in order: minutes from the log, or hours from the ledger. Those older than `HISTORY` are left out.
    """
    slots = np.asarray(starts, dtype=np.float64)
    slots = slots[slots >= slots[-1] - HISTORY.total_seconds() / 60] if len(slots) else slots
    gaps = np.diff(slots)
    span_min = float(slots[-1] - slots[0]) if len(slots) else 0.0
    if span_min < LEARNING.total_seconds() / 60 or len(gaps) < FEWEST_GAPS:
        if len(gaps) < YOUNG_GAPS or span_min < 24 * 60:
            return None
        return Young(max(YOUNG_WAIT, timedelta(minutes=2.5 * float(gaps.max()))))
    before = np.concatenate([[0.0], np.cumsum(_rates(slots))])
    # The first event of a slot may have come at its start and the next one at the end of its own.
    passed = _expected(before, slots[1:] + slot_min) - _expected(before, slots[:-1])
    usual = float(np.partition(passed, -1 - _outages(len(passed)))[-1 - _outages(len(passed))])
    return Rhythm(before=before, usual=usual, allowed=usual * _leeway(usual / float(np.median(passed)), len(passed)))


def _leeway(spread: float, gaps: int) -> float:
    """How much longer than its longest gap a gap may be: the less regular the source and the fewer its gaps, the more.

    `spread` is the longest usual gap over the middle one. The figures were chosen by simulation, see
    tests/unit/facts/test_silence.py: chance alone gives irregular sources about one false alarm in two years.
    """
    few = 1 / math.sqrt(gaps)
    irregular = min(1.0, max(spread - 1, 0.25, 2 * few))
    return 1 + irregular * (0.9 + 3 * few)


def _outages(gaps: int) -> int:
    """How many of the longest gaps are left out, so that one outage does not hide the next."""
    return 3 if gaps >= 200 else 1 if gaps >= 50 else 0


def _rates(slots: Numbers) -> Numbers:
    """Slots with events to expect in each hour of the week, at the level of the last week where that is lower."""
    hours = (slots // 60).astype(np.int64)
    counts = np.bincount(hours % HOURS, minlength=HOURS)
    seen = np.bincount(np.arange(hours[0], hours[-1] + 1) % HOURS, minlength=HOURS)
    rates = counts / seen
    quieter = np.minimum(rates, np.minimum(np.roll(rates, 1), np.roll(rates, -1)))
    if quieter.sum() >= rates.sum() / 2:
        # The edges of a working day move, also by the change to summer time; what lies inside is certain.
        rates = np.where(quieter < rates / 2, 0.0, quieter)
    weekly = len(slots) / ((slots[-1] - slots[0]) / WEEK_MIN)
    newest = float((slots > slots[-1] - WEEK_MIN).sum())
    return np.asarray(rates * min(1.0, max(newest / weekly, 0.05)), dtype=np.float64)


def _expected(before: Numbers, minutes: Numbers) -> Numbers:
    """Arrivals expected from 1970 to each of the minutes."""
    return np.asarray(minutes // WEEK_MIN * before[-1] + np.interp(minutes % WEEK_MIN, _EDGES, before))


_EDGES: Final = np.arange(HOURS + 1, dtype=np.float64) * 60


def _minutes(moment: datetime) -> float:
    return moment.timestamp() / 60


def _moment(minutes: float) -> datetime:
    return datetime.fromtimestamp(minutes * 60, UTC)
