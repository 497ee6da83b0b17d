"""Absence and silence: nobody is called absent while the messenger is silent, and the silence itself is told once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from keepwell.store.models import AccountLook, Alert, AuditEntry
from tests.flows.signal_world import DAY, HOUR, MINUTE, NOW, Gym, Told, gym, mood, open_now, told_ever

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Gym]:
    with gym(tmp_path) as found:
        yield found


def test_absence_is_told_when_the_time_is_up_although_nothing_happens_there(world: Gym) -> None:
    """Over the change to summer time in the United States: 72 hours are elapsed time."""
    last = NOW + 5 * DAY
    world.live(NOW, mood("acme", NOW - HOUR, 80), mood("busy", NOW - HOUR, 80))
    world.live(last + MINUTE, Told("acme", "signed_in", last))
    due = AccountLook.objects.get(account__key="acme").due_at
    assert due == last + 72 * HOUR
    world.turn(due - timedelta(seconds=16))
    assert open_now() == set()
    # Its source goes on at another account.
    world.send(due + timedelta(seconds=1), Told("busy", "signed_in", due + timedelta(seconds=1)))
    world.turn(due + timedelta(seconds=5))
    assert open_now() == {("acme", "away")}
    alert = Alert.objects.get()
    assert (alert.happened_at, alert.is_known_late) == (due, False)
    world.live(due + HOUR, Told("acme", "signed_in", due + HOUR - MINUTE))
    assert open_now() == set()


def test_a_feature_that_nobody_used_for_seven_days_is_told(world: Gym) -> None:
    world.live(NOW, mood("acme", NOW - HOUR, 80), Told("acme", "feature_used", NOW - HOUR))
    due = NOW - HOUR + 7 * DAY
    assert AccountLook.objects.get(account__key="acme").due_at == due
    world.send(due + MINUTE, Told("busy", "feature_used", due + MINUTE))
    world.turn(due + 2 * MINUTE)
    assert open_now() == {("acme", "unused")}


def test_a_silent_source_is_told_once_and_its_accounts_are_not_called_absent(world: Gym) -> None:
    """F30: the time of some is up minutes before the silence is noticed, that of others during it."""
    start = NOW - 15 * DAY
    for hour in range(15 * 24):
        begun = start + hour * HOUR
        ticks = [Told("busy", "mood_told", begun + number * MINUTE, {"mood": 80}) for number in range(60)]
        for tick in ticks:
            world.send(tick.at + timedelta(seconds=5), tick)
    last = NOW - MINUTE
    signed = {"gone": last - 72 * HOUR + 2 * MINUTE, "away": last - 70 * HOUR, "back": last - 71 * HOUR}
    for account, at in signed.items():
        world.send(at + timedelta(seconds=5), mood(account, at, 80), Told(account, "signed_in", at))
    world.turn(NOW)
    noticed = None
    for minutes in range(1, 6 * 60, 5):
        moment = NOW + minutes * MINUTE
        world.turn(moment)
        if noticed is None and Alert.objects.filter(rule="source_silent").exists():
            noticed = moment
    assert noticed is not None
    assert noticed - last <= 15 * MINUTE
    alert = Alert.objects.get(rule="source_silent")
    assert (alert.account, alert.severity, alert.closed_at) == (None, "high", None)
    assert "app" in alert.title
    assert [line["label"] for line in alert.evidence["lines"]][:2] == ["Last event", "Without an event"]
    assert told_ever() == []
    again = NOW + 6 * HOUR
    world.live(again, Told("back", "signed_in", again - MINUTE), Told("busy", "signed_in", again - MINUTE))
    ticks = [Told("busy", "mood_told", again + minutes * MINUTE, {"mood": 80}) for minutes in range(11)]
    world.live(again + 11 * MINUTE, *ticks)
    assert open_now() == {("gone", "away"), ("away", "away")}
    assert Alert.objects.get(rule="source_silent").close_reason == "cleared"
    acts = AuditEntry.objects.filter(act__in=["alert_opened", "alert_cleared"]).order_by("pk")
    assert list(acts.values_list("act", flat=True)) == ["alert_opened", "alert_cleared"]
