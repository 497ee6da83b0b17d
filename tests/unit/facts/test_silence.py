"""A source is silent by its own rhythm: noticed soon, and hardly ever in vain.

The simulated sources are seeded. What more seeds and 18 weeks each gave, and the sources that fare worse, stands in
docs/decisions.md.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.facts.silence import SOONEST, YOUNG_WAIT, Rhythm, Young, learn_rhythm

WEEK = 7 * 24 * 60
# A Monday, 00:00 UTC, in minutes since 1970.
START = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) // 60
LEARNT, LIVED = 8, 8

Numbers = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Sender = Callable[[np.random.Generator, int], Numbers]


def steady(an_hour: float) -> Sender:
    """At any time, by chance."""
    return lambda dice, weeks: np.sort(dice.uniform(0, weeks * WEEK, dice.poisson(an_hour * weeks * 168)))


def every(minutes: int, jitter: float) -> Sender:
    """One batch in each period."""

    def times(dice: np.random.Generator, weeks: int) -> Numbers:
        batches = np.arange(weeks * WEEK // minutes, dtype=np.float64)
        return np.sort(batches * minutes + 600 + dice.uniform(-jitter, jitter, len(batches)))

    return times


def office(an_hour: float) -> Sender:
    """On weekdays from about nine to about half past five."""

    def times(dice: np.random.Generator, weeks: int) -> Numbers:
        days = []
        for day in (day for day in range(weeks * 7) if day % 7 < 5):
            begin, end = 540 + dice.normal(0, 15), 1050 + dice.normal(0, 20)
            days.append(day * 1440 + dice.uniform(begin, end, dice.poisson(an_hour * (end - begin) / 60)))
        return np.sort(np.concatenate(days))

    return times


def moment(minute: float) -> datetime:
    return datetime.fromtimestamp((START + minute) * 60, UTC)


def slots(times: Numbers, slot: int) -> list[int]:
    return [int(start) for start in np.unique((START + times) // slot * slot)]


def alarms(sender: Sender, seed: int, slot: int) -> int:
    """How often the source would have been called silent over the weeks that were lived, though it sent again."""
    times, found = sender(np.random.default_rng(seed), LEARNT + LIVED), 0
    for week in range(LEARNT, LEARNT + LIVED):
        past = times[times < week * WEEK]
        rhythm = learn_rhythm(slots(past, slot), slot)
        lived = np.concatenate([past[-1:], times[(times >= week * WEEK) & (times < (week + 1) * WEEK)]])
        longest = np.argsort(np.diff(lived))[-60:]
        found += sum(
            rhythm is not None and rhythm.silent_from(moment(lived[gap])) <= moment(lived[gap + 1]) for gap in longest
        )
    return found


@pytest.mark.parametrize("slot", [1, 60])
@pytest.mark.parametrize(
    "sender",
    [
        steady(600), steady(12), office(120), office(12), every(60, 1), every(1440, 10), every(1440, 90),
        every(WEEK, 5), every(WEEK, 180), every(4 * WEEK, 0),
    ],
    ids=["busy", "steady", "office", "quiet office", "hourly", "daily", "about daily", "weekly", "about weekly",
         "monthly"],
)  # fmt: skip
def test_a_source_that_goes_on_as_ever_is_not_called_silent(sender: Sender, slot: int) -> None:
    assert [alarms(sender, seed, slot) for seed in (1, 2)] == [0, 0]


@pytest.mark.parametrize("an_hour", [60, 600])
def test_a_source_that_sends_all_the_time_is_missed_within_15_minutes_of_its_usual_gap(an_hour: float) -> None:
    for seed in range(3):
        times = steady(an_hour)(np.random.default_rng(seed), LEARNT)
        rhythm = learn_rhythm(slots(times, 1), 1)
        assert isinstance(rhythm, Rhythm)
        usual = timedelta(minutes=float(np.diff(times).max()))
        for last in (times[-1] + hours * 60 for hours in range(0, 168, 5)):
            waited = rhythm.silent_from(moment(last)) - moment(last)
            assert usual < waited <= usual + timedelta(minutes=15)


def test_nights_and_weekends_of_an_office_are_no_silence_and_its_mornings_are() -> None:
    rhythm = learn_rhythm(slots(office(120)(np.random.default_rng(3), LEARNT), 1), 1)
    assert isinstance(rhythm, Rhythm)
    friday_evening, wednesday_noon = 8 * WEEK + 4 * 1440 + 17 * 60, 8 * WEEK + 2 * 1440 + 12 * 60
    monday = 9 * WEEK + 9 * 60
    assert moment(monday) < rhythm.silent_from(moment(friday_evening)) < moment(monday + 150)
    assert rhythm.silent_from(moment(wednesday_noon)) <= moment(wednesday_noon + 20)


def test_one_outage_does_not_hide_the_next() -> None:
    times = steady(600)(np.random.default_rng(4), LEARNT)
    without = learn_rhythm(slots(times, 1), 1)
    with_outage = learn_rhythm(slots(times[(times < 5 * WEEK) | (times > 5 * WEEK + 360)], 1), 1)
    assert isinstance(without, Rhythm)
    assert isinstance(with_outage, Rhythm)
    last = moment(times[-1])
    assert with_outage.silent_from(last) - without.silent_from(last) < timedelta(minutes=5)


def test_of_a_new_source_only_a_long_silence_is_noticed() -> None:
    times = steady(600)(np.random.default_rng(5), 1)
    young = learn_rhythm(slots(times, 1), 1)
    assert isinstance(young, Young)
    assert young.silent_from(moment(0)) == moment(0) + YOUNG_WAIT
    assert learn_rhythm(slots(times[times < 600], 1), 1) is None
    assert learn_rhythm(slots(every(WEEK, 0)(np.random.default_rng(5), 4), 1), 1) is None
    assert learn_rhythm([], 1) is None


history = st.lists(st.integers(0, 9 * WEEK), min_size=10, max_size=300, unique=True).map(sorted)


@given(history, st.integers(0, 3 * WEEK), st.integers(0, 3 * WEEK))
def test_a_later_event_never_makes_a_source_silent_sooner(times: list[int], first: int, more: int) -> None:
    rhythm = learn_rhythm([START + time for time in times], 1)
    if rhythm is None:
        return
    early, late = moment(times[-1] + first), moment(times[-1] + first + more)
    assert rhythm.silent_from(early) <= rhythm.silent_from(late) + timedelta(milliseconds=1)
    assert rhythm.silent_from(early) >= early + SOONEST
    assert early <= rhythm.usual_until(early) <= rhythm.silent_from(early) + timedelta(milliseconds=1)


@given(history)
def test_none_of_its_own_gaps_but_outages_was_silence(times: list[int]) -> None:
    rhythm = learn_rhythm([START + time for time in times], 1)
    if not isinstance(rhythm, Rhythm):
        return
    recent = [time for time in times if time >= times[-1] - 8 * WEEK]
    silences = sum(rhythm.silent_from(moment(last)) <= moment(following) for last, following in pairwise(recent))
    assert silences <= (3 if len(recent) > 200 else 1 if len(recent) > 50 else 0)


@given(history, st.integers(1, 50))
def test_the_same_rhythm_weeks_later_gives_the_same_judgement(times: list[int], weeks: int) -> None:
    rhythm = learn_rhythm([START + time for time in times], 1)
    shifted = learn_rhythm([START + time + weeks * WEEK for time in times], 1)
    if rhythm is None or shifted is None:
        assert rhythm is shifted
        return
    last = moment(times[-1])
    waits = [rhythm.silent_from(last) - last, shifted.silent_from(last + timedelta(weeks=weeks)) - last]
    assert abs(waits[1] - timedelta(weeks=weeks) - waits[0]) < timedelta(seconds=1)
