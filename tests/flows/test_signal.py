"""From events to alerts by the real turns: opened once, closed, and told again only when it is due."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from keepwell.base.errors import UserError
from keepwell.jobs.alert import do_acknowledge_alert, do_close_alert
from keepwell.store.models import AccountLook, Alert, SegmentAccount, SignalEpisode
from tests.flows.signal_world import BY, DAY, HOUR, MINUTE, NOW, Gym, Told, gym, mood, open_now, told_ever

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Gym]:
    """A home that has looked at two content accounts before."""
    with gym(tmp_path) as found:
        found.live(NOW - HOUR, *(mood(name, NOW - 2 * HOUR, 70) for name in ("acme", "borealis")))
        yield found


def both(world: Gym, now: datetime, acme: float, borealis: float) -> None:
    world.live(now, mood("acme", now - MINUTE, acme), mood("borealis", now - MINUTE, borealis))


@pytest.mark.requirement("A139")
def test_an_alert_opens_once_with_its_three_clocks_and_closes_when_it_is_over(world: Gym) -> None:
    failed = Told("acme", "payment_failed", NOW - 5 * MINUTE)
    turn = world.live(NOW, failed)
    (alert,) = Alert.objects.all()
    assert (alert.account is not None and alert.account.key, alert.rule, alert.severity) == ("acme", "payment", "high")
    assert (alert.happened_at, alert.detected_at, alert.opened_at) == (failed.at, turn, turn)
    assert alert.respond_by is not None
    assert not alert.is_known_late
    assert [event["name"] for event in alert.evidence["events"]] == ["payment_failed"]
    world.live(NOW + HOUR, Told("acme", "payment_failed", NOW + HOUR - MINUTE))
    assert told_ever() == [("acme", "payment")]
    over = NOW + HOUR - MINUTE + timedelta(days=7)
    world.turn(over)
    assert open_now() == {("acme", "payment")}
    due = AccountLook.objects.get(account__key="acme").due_at
    assert due == over + timedelta(microseconds=1)
    world.turn(due + timedelta(seconds=15))
    assert open_now() == set()
    assert Alert.objects.get().close_reason == "cleared"


@pytest.mark.requirement("A155")
def test_a_critical_fall_is_told_by_the_next_turn(world: Gym) -> None:
    turn = world.live(NOW, mood("acme", NOW - MINUTE, 10))
    (alert,) = Alert.objects.all()
    assert (alert.rule, alert.opened_at - alert.happened_at) == ("critical", turn - (NOW - MINUTE))


def test_an_event_that_comes_in_more_than_an_hour_late_is_marked_so(world: Gym) -> None:
    world.live(NOW, Told("acme", "payment_failed", NOW - 61 * MINUTE), Told("borealis", "payment_failed", NOW - HOUR))
    late = dict(Alert.objects.values_list("account__key", "is_known_late"))
    assert late == {"acme": True, "borealis": True}
    assert {alert.happened_at for alert in Alert.objects.all()} == {NOW - 61 * MINUTE, NOW - HOUR}


def test_what_has_to_hold_for_a_while_first_is_no_late_knowledge(world: Gym) -> None:
    world.live(NOW, mood("acme", NOW - MINUTE, 68))
    begun = world.live(NOW + HOUR, mood("acme", NOW + HOUR - MINUTE, 58))
    assert Alert.objects.count() == 0
    due = AccountLook.objects.get(account__key="acme").due_at
    assert due == begun + 2 * HOUR
    world.turn(due)
    (alert,) = Alert.objects.all()
    assert (alert.rule, alert.detected_at, alert.opened_at) == ("weak", begun, due)
    assert alert.happened_at == NOW + HOUR - MINUTE
    assert not alert.is_known_late


def test_a_worse_alert_takes_the_place_of_the_milder_one(world: Gym) -> None:
    world.live(NOW, mood("acme", NOW - MINUTE, 50))
    assert open_now() == {("acme", "weak")}
    world.live(NOW + HOUR, mood("acme", NOW + HOUR - MINUTE, 10))
    assert open_now() == {("acme", "critical")}
    assert Alert.objects.get(rule="weak").close_reason == "superseded"
    world.turn(NOW + 2 * HOUR, NOW + DAY, NOW + 2 * DAY)
    assert told_ever() == [("acme", "critical"), ("acme", "weak")]


def test_what_a_member_closed_is_not_told_again_while_it_still_holds(world: Gym) -> None:
    world.live(NOW, mood("acme", NOW - MINUTE, 45))
    alert = Alert.objects.get(rule="weak")
    do_acknowledge_alert(alert, by=BY, now=NOW + MINUTE)
    do_close_alert(alert, "known", note="We talk.", by=BY, now=NOW + MINUTE)
    with pytest.raises(UserError, match="closed already"):
        do_close_alert(alert, "acted", by=BY, now=NOW + MINUTE)
    world.live(NOW + HOUR, Told("acme", "signed_in", NOW + HOUR - MINUTE))
    world.turn(NOW + DAY, NOW + 5 * DAY)
    assert open_now() - {("acme", "away")} == set()
    # Another fall of 15 points is news; so is the same score once it was over for long enough.
    world.live(NOW + 6 * DAY, mood("acme", NOW + 6 * DAY - MINUTE, 31))
    assert ("acme", "weak") not in open_now()
    world.live(NOW + 6 * DAY + HOUR, mood("acme", NOW + 6 * DAY + HOUR - MINUTE, 60))
    world.live(NOW + 6 * DAY + 2 * HOUR, mood("acme", NOW + 6 * DAY + 2 * HOUR - MINUTE, 40))
    assert ("acme", "weak") in open_now()


def test_a_graver_fall_than_the_one_a_member_closed_is_told(world: Gym) -> None:
    world.live(NOW, mood("acme", NOW - MINUTE, 55))
    do_close_alert(Alert.objects.get(rule="weak"), "known", by=BY, now=NOW + MINUTE)
    world.live(NOW + HOUR, mood("acme", NOW + HOUR - MINUTE, 41))
    assert open_now() == set()
    world.live(NOW + 2 * HOUR, mood("acme", NOW + 2 * HOUR - MINUTE, 39))
    assert open_now() == {("acme", "weak")}


def test_a_cool_down_holds_back_and_a_grave_fall_breaks_it(world: Gym) -> None:
    world.publish(alerts=("slow: {dwell: 2h, clear: 6h, cool_down: 3d", "slow: {dwell: 0d, clear: 0d, cool_down: 3d"))
    for name in ("acme", "borealis"):
        world.send(NOW, mood(name, NOW - MINUTE, 61))
    start = NOW + DAY
    world.turn(start)
    both(world, start + HOUR, 59, 59)
    both(world, start + 2 * HOUR, 61, 61)
    assert (open_now(), len(told_ever())) == (set(), 2)
    both(world, start + 3 * HOUR, 59, 44)
    assert open_now() == {("borealis", "weak")}
    until = SignalEpisode.objects.get(account__key="acme", rule="weak").until
    assert until is not None
    assert AccountLook.objects.get(account__key="acme").due_at == until
    world.turn(until)
    assert open_now() == {("acme", "weak"), ("borealis", "weak")}


def test_everything_of_an_account_that_ended_closes_and_nothing_is_due_there(world: Gym) -> None:
    world.live(NOW, Told("acme", "payment_failed", NOW - MINUTE), Told("acme", "seats_asked", NOW - MINUTE))
    assert open_now() == {("acme", "payment")}
    world.live(NOW + HOUR, Told("acme", "subscription_changed", NOW + HOUR - MINUTE, {"status": "cancelled"}))
    assert open_now() == set()
    assert Alert.objects.get().close_reason == "account_ended"
    assert not SignalEpisode.objects.filter(account__key="acme").exists()
    assert AccountLook.objects.get(account__key="acme").due_at is None
    assert set(SegmentAccount.objects.values_list("account__key", "segment")) == {("borealis", "content")}


def test_alerts_of_a_rule_that_the_package_gave_up_close(world: Gym) -> None:
    world.live(NOW, Told("acme", "payment_failed", NOW - MINUTE))
    old = "  payment:\n    title: A payment failed"
    world.publish(alerts=(old, "  refused:\n    title: A payment failed"))
    world.turn(NOW + DAY + HOUR)
    assert open_now() == set()
    assert Alert.objects.get().close_reason == "rule_gone"
