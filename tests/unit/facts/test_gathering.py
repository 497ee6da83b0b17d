"""Gathering: no storm, nothing lost, the severe first, whatever comes when."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.base.business_time import Calendar
from keepwell.facts.gathering import (
    BREAKTHROUGHS,
    MOST_IN_WINDOW,
    WINDOW,
    Gathered,
    Past,
    Waiting,
    due_at,
    next_messages,
)
from keepwell.facts.notice import SEVERITIES, Severity, Tell

START = datetime(2026, 11, 25, 8, tzinfo=UTC)
TURN = timedelta(seconds=20)


def waiting(number: int, severity: Severity = "medium", *, at: datetime = START, tell: Tell = "at_once") -> Waiting:
    return Waiting(number, severity, tell, at, due_at(tell, Calendar(), now=at))


@pytest.mark.requirement("A035", "A143")
def test_the_first_notice_goes_at_once_and_the_next_ones_together_ten_minutes_later() -> None:
    assert next_messages([waiting(1)], [], now=START) == [Gathered("gathered", (1,))]
    later = [waiting(2, at=START + TURN), waiting(3, "high", at=START + 2 * TURN)]
    past = [Past("gathered", START)]
    assert next_messages(later, past, now=START + WINDOW - TURN) == []
    assert next_messages(later, past, now=START + WINDOW) == [Gathered("gathered", (3, 2))]


@pytest.mark.requirement("A035")
def test_critical_notices_break_through_three_times_and_then_wait_with_the_others() -> None:
    past = [Past("gathered", START)]
    for number in range(BREAKTHROUGHS):
        now = START + (number + 1) * TURN
        found = next_messages([waiting(1, at=now), waiting(2, "critical", at=now)], past, now=now)
        assert found == [Gathered("broke_through", (2,))]
        past.append(Past("broke_through", now))
    now = START + 5 * TURN
    both = [waiting(1, at=now), waiting(2, "critical", at=now)]
    assert next_messages(both, past, now=now) == []
    assert next_messages(both, past, now=START + WINDOW) == [Gathered("gathered", (2, 1))]


@pytest.mark.requirement("B100", "B101", "B102", "B103")
@pytest.mark.parametrize(
    ("tell", "now", "expected"),
    [
        ("daily", "2026-11-25 06:00", "2026-11-25 08:00"),
        ("daily", "2026-11-25 08:00", "2026-11-26 08:00"),
        ("daily", "2026-11-27 12:00", "2026-11-30 08:00"),
        ("daily", "2026-12-24 12:00", "2026-12-28 08:00"),
        ("weekly", "2026-11-25 12:00", "2026-11-30 08:00"),
        ("weekly", "2026-11-30 06:00", "2026-11-30 08:00"),
        ("weekly", "2026-11-30 08:00", "2026-12-07 08:00"),
        ("weekly", "2027-03-25 12:00", "2027-03-30 07:00"),
        ("at_once", "2026-11-28 23:00", "2026-11-28 23:00"),
    ],
)
def test_daily_and_weekly_notices_wait_for_their_morning(tell: Tell, now: str, expected: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = due_at(tell, Calendar(zone="Europe/Berlin", country="DE"), now=moment)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


NOTICES = st.lists(
    st.tuples(
        st.integers(0, 200), st.sampled_from(SEVERITIES), st.sampled_from(["at_once", "at_once", "daily", "weekly"])
    ),
    max_size=60,
)


@given(NOTICES, st.sets(st.integers(0, 400), max_size=40))
def test_a_recipient_is_told_everything_once_and_never_more_than_the_limit(
    arrivals: list[tuple[int, Severity, Tell]], refused_turns: set[int]
) -> None:
    """Turns in which the channel refuses tell nobody anything; their notices go later."""
    coming = [waiting(number, severity, at=START + turn * TURN, tell=tell)
              for number, (turn, severity, tell) in enumerate(arrivals)]  # fmt: skip
    by_id = {one.id: one for one in coming}
    past: list[Past] = []
    told: list[tuple[datetime, Gathered]] = []
    turns = [START + turn * TURN for turn in range(240)]
    turns += [turns[-1] + timedelta(hours=1) * hour for hour in range(1, 24 * 8)]
    for number, now in enumerate(turns):
        done = {pk for _, message in told for pk in message.ids}
        open_now = [one for one in coming if one.queued_at <= now and one.id not in done]
        for message in next_messages(open_now, past, now=now):
            if number not in refused_turns:
                told.append((now, message))
                past.append(Past(message.way, now))
    counts = Counter(pk for _, message in told for pk in message.ids)
    assert counts == dict.fromkeys(by_id, 1)
    for now, message in told:
        ranks = [(SEVERITIES.index(by_id[pk].severity), by_id[pk].queued_at) for pk in message.ids]
        assert ranks == sorted(ranks)
        assert all(by_id[pk].due_at <= now for pk in message.ids)
        window = [one.way for at, one in told if now <= at < now + WINDOW]
        assert len(window) <= MOST_IN_WINDOW
        assert window.count("gathered") <= 1
        assert window.count("broke_through") <= BREAKTHROUGHS


@given(NOTICES)
def test_what_comes_first_to_a_recipient_is_told_in_the_same_turn(arrivals: list[tuple[int, Severity, Tell]]) -> None:
    at_once = [replace(waiting(number, severity), id=number) for number, (_, severity, _) in enumerate(arrivals)]
    found = next_messages(at_once, [Past("gathered", START - WINDOW)], now=START)
    assert [len(message.ids) for message in found] == ([len(at_once)] if at_once else [])
