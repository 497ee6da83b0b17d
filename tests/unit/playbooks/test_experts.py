"""Experts: what a diagnosis says, what it does not say, and what it says where little is known."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.base.business_time import Calendar
from keepwell.health.weight import NANO
from keepwell.playbooks.expert import Expert, Figure, Grounds, Loss, OpenAlert, Sample, ScoreGrounds, experts

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
BEFORE = datetime(2026, 5, 2, 8, tzinfo=UTC)
USE = Loss(
    title="Feature use",
    unit="count",
    value=3.0,
    weight_nano=15 * NANO,
    lost_nano=12 * NANO,
    sample=Sample(events=14, days=30, newest="feature_used", newest_at=datetime(2026, 5, 31, 9, 30, tzinfo=UTC)),
    value_before=9.0,
    change_nano=-8_400_000_000,
    causes=(("behaviour", -6 * NANO), ("ageing", -2_400_000_000)),
)
TICKETS = Loss(
    title="Tickets",
    unit="count",
    value=1.0,
    weight_nano=10 * NANO,
    lost_nano=2 * NANO,
    sample=Sample(events=1, days=None, newest="ticket_opened", newest_at=NOW),
    value_before=1.0,
    change_nano=0,
)
SCORE = ScoreGrounds(
    as_of=NOW,
    nano_points=42_300_000_000,
    band="High risk",
    band_since=datetime(2026, 5, 28, 7, tzinfo=UTC),
    coverage=0.87,
    losses=(USE, TICKETS),
    missing=("Logins",),
    compared_at=BEFORE,
    nano_points_before=54_400_000_000,
)
ALERT = OpenAlert(
    title="API errors rise",
    severity="high",
    opened_at=datetime(2026, 5, 30, 7, 12, tzinfo=UTC),
    sentence="Error rate: 12 % (at least 5 %)",
    action="Ask what they changed.",
)
INVOICES = Figure(title="Unpaid invoices", unit="count", value=1.0, sample=Sample(events=3, days=30))
GROUNDS = Grounds(
    account="Harbour",
    as_of=NOW,
    calendar=Calendar(zone="Europe/Berlin"),
    score=SCORE,
    alerts=(ALERT,),
    figures=(INVOICES, Figure(title="API errors", unit="share", value=None, sample=Sample(events=0, days=7))),
)
WHOLE = """\
Harbour, as of 1 Jun 2026, 10:00 Europe/Berlin. All of this is from the event log.

The score is 42.3 of 100, in the band High risk since 28 May 2026, 09:00 Europe/Berlin.
On 2 May 2026 it was 54.4; 12.1 points lower since.
Measures with data are 87 % of the model's weight.

What weighs most
1. Feature use: costs 12.0 of its 15.0 points.
   Its value is 3; on 2 May 2026 it was 9. It moved the score by −8.4 points, by what happened since (−6.0) and older events that left its period, with nothing new in their place (−2.4).
   Of the last 30 days it reads 14 events, the newest feature_used on 31 May 2026, 11:30 Europe/Berlin.
2. Tickets: costs 2.0 of its 10.0 points.
   Its value is 1; on 2 May 2026 it was 1, and it costs as much as then.
   Of all times it reads 1 event, the newest ticket_opened on 1 Jun 2026, 10:00 Europe/Berlin.

What is open, and other figures
- Alert of severity high since 30 May 2026, 09:12 Europe/Berlin: API errors rise. Error rate: 12 % (at least 5 %).
- Unpaid invoices: 1. Of the last 30 days it reads 3 events.

What is not known
- Logins: no data, so it counts for nothing.
- API errors: no data.

What to look at next
- For “API errors rise”: Ask what they changed.
- The events behind “Feature use”, on the account's page: 14 in the last 30 days.
- Why there is no data for Logins: whether its source tells it at all.
"""  # noqa: E501 the text is told as it is
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def said(grounds: Grounds = GROUNDS) -> str:
    return experts()["explained"]().diagnosis(grounds).replace("\u202f", " ")


@pytest.mark.requirement("B114", "B119")
def test_a_diagnosis_tells_what_weighs_most_since_when_from_what_and_what_comes_next() -> None:
    assert said() == WHOLE


def test_without_a_score_it_says_so_and_tells_the_rest() -> None:
    told = said(replace(GROUNDS, score=None))
    assert "There is no score of this account, so it cannot be said what weighs on it." in told
    assert "What weighs most" not in told
    assert "Alert of severity high" in told


def test_without_data_it_says_so() -> None:
    told = said(replace(GROUNDS, score=replace(SCORE, nano_points=None, losses=(), missing=("Logins", "Tickets"))))
    assert "No measure of the score has data, so it cannot be said what weighs on it." in told
    assert "- Tickets: no data, so it counts for nothing." in told


def test_without_an_earlier_score_nothing_is_said_of_a_change() -> None:
    losses = (replace(USE, change_nano=None, value_before=None, causes=()),)
    told = said(replace(GROUNDS, score=replace(SCORE, compared_at=None, nano_points_before=None, losses=losses)))
    assert "There is no earlier score to compare it with." in told
    assert "Its value is 3.\n" in told
    assert "moved the score" not in told


def test_where_nothing_is_open_it_says_so() -> None:
    assert "What is open, and other figures\n- No alert is open.\n" in said(replace(GROUNDS, alerts=(), figures=()))


def test_where_nothing_costs_a_point_it_says_so() -> None:
    told = said(replace(GROUNDS, score=replace(SCORE, losses=())))
    assert "No measure with data costs a point or more." in told


def test_further_losses_are_named_with_their_points() -> None:
    more = tuple(replace(TICKETS, title=f"Measure {letter}") for letter in "abc")
    assert "Further: Measure b (2.0), Measure c (2.0)." in said(
        replace(GROUNDS, score=replace(SCORE, losses=(USE, TICKETS, *more[:1], *more[1:])))
    )


@pytest.mark.parametrize("word", ["will", "probably", "likely", "should", "perhaps", "might", "because"])
def test_it_neither_promises_nor_guesses(word: str) -> None:
    assert word not in said().lower()


NANOS = st.integers(1, 100).map(lambda points: points * NANO)


@settings(max_examples=100, deadline=None)
@given(lost=NANOS, before=st.integers(0, 100), change=st.integers(-100, 100), events=st.integers(0, 9999))
def test_every_number_that_it_says_is_in_its_grounds(lost: int, before: int, change: int, events: int) -> None:
    loss = replace(
        USE,
        value=77.0,
        value_before=55.0,
        lost_nano=lost,
        weight_nano=lost,
        change_nano=change * NANO,
        causes=(("data", change * NANO),),
        sample=Sample(events=events, days=33),
    )
    score = replace(SCORE, losses=(loss,), band_since=None, nano_points=NANO * 99, nano_points_before=NANO * before)
    told = said(replace(GROUNDS, score=score, alerts=(), figures=()))
    points = [lost // NANO, 99, before, abs(99 - before), abs(change)]
    known = {f"{one}.0" for one in points} | {f"{events:,}", "77", "55", "33", "100", "1", "2", "2026", "10:00", "87"}
    assert set(NUMBER.findall(told)) <= known


def test_an_expert_is_one_class_with_one_question() -> None:
    class Terse(Expert):
        kind = "terse"

        def diagnosis(self, grounds: Grounds) -> str:
            return f"{grounds.account}: {len(grounds.alerts)}"

    assert Terse().diagnosis(GROUNDS) == "Harbour: 1"
    assert list(experts()) == ["explained"]
