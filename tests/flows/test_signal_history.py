"""History that is learnt later, a new model and a new meaning of events startle nobody; what is live then does."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from keepwell.jobs import ingest
from keepwell.jobs.ingest import ImportPlan, do_import_events
from keepwell.jobs.mapping import do_publish_mapping
from keepwell.store.models import AccountLook, CurrentScore, Opportunity, SignalEpisode
from tests.flows.signal_world import (
    BY,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    Gym,
    Told,
    arrivals,
    gym,
    mood,
    open_now,
    signals,
    told_ever,
)

ACCOUNTS = [f"account-{number:03}" for number in range(200)]
EVENTS = 100_000
CHUNK = 20_000
NAMES = ("signed_in", "feature_used", "payment_failed", "seats_asked", "limit_reached", "first_report", "complained")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Gym]:
    with gym(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def two_years() -> pa.Table:
    """Every rule of the package holds at some of these accounts when the history ends, an hour before now."""
    chance = random.Random(26)
    events = []
    for number in range(EVENTS):
        account = ACCOUNTS[number % len(ACCOUNTS)]
        at = NOW - HOUR - timedelta(seconds=chance.uniform(0, 730 * 86_400))
        if number % 10 == 0:
            events.append(Told(account, "mood_told", at, {"mood": chance.uniform(0, 100)}, f"h{number}"))
        else:
            events.append(Told(account, chance.choice(NAMES), at, {}, f"h{number}"))
    return arrivals(events)


def bring(world: Gym, history: pa.Table, now: datetime = NOW) -> None:
    do_import_events(world.home, history.to_batches(CHUNK), ImportPlan("old", "history"), by=BY, now=now)


def hours(world: Gym, start: datetime, count: int) -> None:
    world.turn(*(start + number * HOUR for number in range(1, count + 1)))


def test_an_import_into_a_fresh_home_tells_of_nothing_and_what_is_live_then_is_told(
    world: Gym, two_years: pa.Table
) -> None:
    """P15, F26."""
    bring(world, two_years)
    turn = world.live(NOW, Told(ACCOUNTS[0], "signed_in", NOW - MINUTE))
    hours(world, turn, 6)
    assert signals() == (0, 0, 0)
    assert AccountLook.objects.count() == len(ACCOUNTS)
    assert SignalEpisode.objects.filter(phase="muted", rule="payment").count() > 20
    # Where a failure of the history was muted as well as where there was none.
    world.live(turn + 7 * HOUR, *(Told(name, "payment_failed", turn + 7 * HOUR - MINUTE) for name in ACCOUNTS))
    assert told_ever() == [(name, "payment") for name in ACCOUNTS]


def test_an_import_into_a_running_home_tells_of_nothing_between_its_parts_either(
    world: Gym, two_years: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "ROWS_A_SEAL", CHUNK)
    known = ACCOUNTS[:50]
    world.live(NOW - DAY, *(mood(name, NOW - DAY - MINUTE, 80) for name in known))
    moments: list[datetime] = []

    def parts() -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(two_years.to_batches(CHUNK)):
            moment = NOW + number * MINUTE
            moments.append(world.live(moment, *(Told(name, "signed_in", moment - MINUTE) for name in known)))
            yield batch

    do_import_events(world.home, parts(), ImportPlan("old", "history"), by=BY, now=NOW)
    assert len(moments) == 5
    hours(world, moments[-1], 3)
    assert signals() == (0, 0, 0)
    failed = moments[-1] + 4 * HOUR
    world.live(failed, Told(ACCOUNTS[0], "payment_failed", failed - MINUTE))
    assert told_ever() == [(ACCOUNTS[0], "payment")]


def test_a_live_failure_is_told_by_the_very_look_that_learns_of_the_history(world: Gym, two_years: pa.Table) -> None:
    world.live(NOW - DAY, mood(ACCOUNTS[0], NOW - DAY - MINUTE, 80), mood(ACCOUNTS[1], NOW - DAY - MINUTE, 80))
    bring(world, two_years)
    world.live(NOW, Told(ACCOUNTS[0], "payment_failed", NOW - MINUTE))
    assert told_ever() == [(ACCOUNTS[0], "payment")]


def test_an_import_that_was_killed_and_is_run_again_tells_of_nothing(
    world: Gym, two_years: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "ROWS_A_SEAL", CHUNK)
    world.live(NOW - DAY, *(mood(name, NOW - DAY - MINUTE, 80) for name in ACCOUNTS))

    def cut_off() -> Iterator[pa.RecordBatch]:
        yield from two_years.to_batches(CHUNK)[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        do_import_events(world.home, cut_off(), ImportPlan("old", "history"), by=BY, now=NOW)
    hours(world, NOW, 2)
    bring(world, two_years, NOW + 3 * HOUR)
    hours(world, NOW + 3 * HOUR, 3)
    assert signals() == (0, 0, 0)
    # Nobody waits for the run that never ended.
    world.live(NOW + 7 * HOUR, Told(ACCOUNTS[0], "complained", NOW + 7 * HOUR), mood(ACCOUNTS[1], NOW + 7 * HOUR, 99))
    world.live(NOW + 8 * HOUR, mood(ACCOUNTS[1], NOW + 8 * HOUR - MINUTE, 5))
    assert told_ever() == [(ACCOUNTS[1], "critical")]


def test_a_model_that_moves_two_in_five_accounts_opens_nothing_and_live_changes_do(world: Gym) -> None:
    """P14, F27."""
    names = ACCOUNTS[:50]
    world.live(NOW, *(mood(name, NOW - MINUTE, 65 if number % 5 < 2 else 95) for number, name in enumerate(names)))
    before = dict(CurrentScore.objects.values_list("account__key", "band"))
    # Who had 65 points has 50 now, and is at risk.
    world.publish(model=("{kind: linear, from: 0, to: 100}", "{kind: linear, from: 40, to: 90}"))
    day = NOW + DAY + MINUTE
    hours(world, day, 4)
    after = dict(CurrentScore.objects.values_list("account__key", "band"))
    assert sum(before[name] != after[name] for name in names) == 20
    assert signals() == (0, 0, 0)
    world.live(day + 5 * HOUR, mood(names[1], day + 5 * HOUR - MINUTE, 41), mood(names[2], day + 5 * HOUR - MINUTE, 68))
    assert told_ever() == [(names[1], "critical"), (names[2], "weak")]


def test_history_that_means_something_else_by_a_mapping_tells_of_nothing(world: Gym) -> None:
    world.live(NOW, mood("acme", NOW - HOUR, 90), Told("acme", "card_refused", NOW - HOUR))
    world.turn(NOW + 5 * MINUTE)
    text = "events:\n  - {name: card_refused, means: payment_failed}\n"
    do_publish_mapping(world.home, "mapping.yaml", text, note="", by=BY, now=NOW + HOUR)
    hours(world, NOW + HOUR, 3)
    assert SignalEpisode.objects.get(rule="payment").phase == "muted"
    assert signals() == (0, 0, 0)
    later = NOW + 5 * HOUR
    world.live(later, Told("acme", "card_refused", later - MINUTE))
    assert open_now() == {("acme", "payment")}
    assert not Opportunity.objects.exists()
