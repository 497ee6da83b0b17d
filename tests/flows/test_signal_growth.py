"""Opportunities and milestones: one for all signs, blocked and won by what happens; successes once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from keepwell.base.home import Home
from keepwell.jobs import detect
from keepwell.jobs.milestone import do_award_month
from keepwell.jobs.package import do_publish_package
from keepwell.store.models import Alert, Milestone, ModelVersion, Opportunity, ScoreRecord, TouchedAccount
from tests.flows.signal_world import BY, DAY, HOUR, MINUTE, NOW, PACKAGE, Gym, Told, gym, mood, told_ever

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Gym]:
    with gym(tmp_path) as found:
        paid = Told("acme", "subscription_changed", NOW - 2 * HOUR, {"mrr": 500, "currency": "EUR", "status": "active"})
        found.live(NOW - HOUR, mood("acme", NOW - 2 * HOUR, 70), paid)
        yield found


@pytest.mark.requirement("X15")
def test_several_signs_make_one_opportunity_with_the_largest_value(world: Gym) -> None:
    world.live(NOW, Told("acme", "seats_asked", NOW - MINUTE), Told("acme", "limit_reached", NOW - MINUTE))
    found = Opportunity.objects.get()
    assert (found.stage, found.urgency, found.yearly, found.currency) == ("open", "high", Decimal(3000), "EUR")
    assert sorted(found.signs.values_list("rule", "yearly")) == [("limit", Decimal(3000)), ("seats", Decimal(1200))]
    world.live(NOW + HOUR, mood("acme", NOW + HOUR - MINUTE, 58))
    assert Opportunity.objects.get().blocked_because == "the account is falling"
    world.live(NOW + 2 * HOUR, mood("acme", NOW + 2 * HOUR - MINUTE, 75))
    assert Opportunity.objects.get().blocked_because == ""
    world.live(NOW + 3 * HOUR, Told("acme", "touch_sent", NOW + 3 * HOUR - MINUTE))
    assert (Opportunity.objects.get().stage, Opportunity.objects.get().contacted_at) == (
        "contacted",
        NOW + 3 * HOUR - MINUTE,
    )
    grown = NOW + 4 * HOUR
    paid = Told("acme", "subscription_changed", grown - MINUTE, {"mrr": 800, "currency": "EUR", "status": "active"})
    world.live(grown, paid, Told("acme", "plan_raised", grown - MINUTE))
    found = Opportunity.objects.get()
    assert (found.stage, found.won_yearly) == ("won", Decimal(3600))


def test_an_opportunity_lapses_when_all_its_signs_are_over(world: Gym) -> None:
    world.live(NOW, Told("acme", "seats_asked", NOW - MINUTE))
    world.turn(NOW + 4 * DAY)
    assert Opportunity.objects.get().stage == "open"
    world.turn(NOW + 5 * DAY)
    assert Opportunity.objects.get().stage == "lapsed"


def test_a_milestone_of_once_only_comes_once_and_waits_while_it_would_be_out_of_place(world: Gym) -> None:
    world.live(NOW, Told("acme", "first_report", NOW - MINUTE), Told("acme", "complained", NOW - MINUTE))
    assert Milestone.objects.get().unwise_because == "a complaint is open"
    world.turn(NOW + 3 * DAY + HOUR)
    assert Milestone.objects.get().unwise_because == ""
    world.live(NOW + 5 * DAY, Told("acme", "first_report", NOW + 5 * DAY - MINUTE))
    assert Milestone.objects.count() == 1


def test_the_award_of_a_month_is_given_once_and_only_for_a_month_that_was_lived(world: Gym) -> None:
    version = ScoreRecord.objects.select_related("version")[0].version
    april = datetime(2026, 4, 1, 1, tzinfo=UTC)
    world.live(april, mood("acme", april - MINUTE, 90))
    assert do_award_month(version, by=BY, now=april + HOUR) == 0
    may = datetime(2026, 5, 1, 1, tzinfo=UTC)
    assert [do_award_month(version, by=BY, now=may + hour * HOUR) for hour in range(2)] == [1, 0]
    award = Milestone.objects.get(rule="riser")
    assert (award.account.key, str(award.month)) == ("acme", "2026-04-01")


def test_detection_that_fails_loses_nothing_and_doubles_nothing(world: Gym, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores and signals are one transaction, and who has news keeps it until that is through."""

    def detect_and_fail(*args: object, **known: object) -> None:
        do_detect(*args, **known)  # type: ignore[arg-type]
        raise RuntimeError("cut off")

    do_detect = detect.do_detect_signals
    monkeypatch.setattr(detect, "do_detect_signals", detect_and_fail)
    records = ScoreRecord.objects.count()
    with pytest.raises(RuntimeError, match="cut off"):
        world.live(NOW, Told("acme", "payment_failed", NOW - MINUTE))
    assert (Alert.objects.count(), ScoreRecord.objects.count()) == (0, records)
    assert TouchedAccount.objects.count() == 1
    monkeypatch.undo()
    world.turn(NOW + MINUTE, NOW + 2 * MINUTE)
    assert told_ever() == [("acme", "payment")]
    assert not TouchedAccount.objects.exists()


def test_a_package_that_fails_keeps_no_other_from_its_signals(world: Gym, monkeypatch: pytest.MonkeyPatch) -> None:
    """The turn fails all the same, and who has news keeps it."""
    club = world.home.packages / "club"
    club.mkdir()
    for name, text in PACKAGE.items():
        (club / name).write_text(text.replace("package: gym", "package: club").replace("model: gym", "model: club"))
    do_publish_package(world.home, "club", note="", by=BY, now=NOW)
    world.turn(NOW - HOUR + MINUTE)

    def fail_for_club(home: Home, version: ModelVersion, *args: object, **known: object) -> None:
        if version.model == "club/club":
            raise RuntimeError("a rule of the club cannot be judged")
        do_detect(home, version, *args, **known)  # type: ignore[arg-type]

    do_detect = detect.do_detect_signals
    monkeypatch.setattr(detect, "do_detect_signals", fail_for_club)
    for minutes in (0, 2):
        with pytest.raises(RuntimeError, match="of the club"):
            world.live(NOW + minutes * MINUTE, Told("acme", "payment_failed", NOW + (minutes - 1) * MINUTE))
        assert list(Alert.objects.values_list("package", "rule")) == [("gym", "payment")]
        assert TouchedAccount.objects.filter(claimed_by="").count() == 1
    monkeypatch.undo()
    world.turn(NOW + 5 * MINUTE)
    assert sorted(Alert.objects.values_list("package", "rule")) == [("club", "payment"), ("gym", "payment")]
    assert not TouchedAccount.objects.exists()
