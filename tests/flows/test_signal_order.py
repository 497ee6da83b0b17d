"""The same events in another order, repeated, in other batches or late give the same signals.

Every state that an account is in lasts for several turns, and some of what tells of it comes in time: what is over
before anybody knows of it opens nothing.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import pyarrow as pa
import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.jobs import seal
from keepwell.lake.identity import Sifted
from keepwell.store.models import Alert
from tests.flows.signal_world import HOUR, MINUTE, NOW, Gym, Told, gym, mood

pytestmark = pytest.mark.django_db(transaction=True)

LEVELS: Final = (20, 50, 80)
TURN: Final = 4
LEVEL_HOURS: Final = 4 * TURN
HOURS: Final = 3 * LEVEL_HOURS
LATE_TURNS: Final = 5
QUIET: Final = range(HOURS, HOURS + (LATE_TURNS + 4) * TURN, 2 * TURN)
# Every event happens in the hour before a turn.
SLOTS: Final = range(TURN - 1, HOURS, TURN)
RULES: Final = {
    "metrics": (
        "metrics:\n",
        (
            "metrics:\n  complaints:\n"
            "    {title: Complaints, kind: count, unit: count, better: down, events: [complained], days: 2}\n"
        ),
    ),
    "alerts": (
        "for: 72h}}\n",
        "for: 12h}}\n  angry: {title: Angry, severity: high, when: {metric: {complaints: {at_least: 3}}}}\n",
    ),
}
# By how many turns one event is put off; with more than one it comes again.
Delivery = Callable[[random.Random, Told, int], Sequence[int]]
Row = tuple[str, str, datetime, bool]


@dataclass(frozen=True)
class Life:
    """One account: its levels one after another, and hours. From `gone` on nobody signs in for a day or for good."""

    levels: tuple[int, ...]
    gone: int | None
    is_back: bool
    failed: int | None
    complained: int
    complaints: int

    def events(self, account: str, chance: random.Random) -> list[tuple[Told, int]]:
        """With each its number of its kind."""

        def at(hour: int) -> datetime:
            return NOW + hour * HOUR + chance.randrange(2, 58) * MINUTE

        moods = [(hour, self.levels[hour // LEVEL_HOURS] + chance.uniform(-5, 5)) for hour in SLOTS]
        found = [(mood(account, at(hour), value), number) for number, (hour, value) in enumerate(moods)]
        signs = [hour for hour in SLOTS if not self._is_gone(hour)]
        found += [(Told(account, "signed_in", at(hour)), number) for number, hour in enumerate(signs)]
        if self.failed is not None:
            found.append((Told(account, "payment_failed", at(self.failed)), 0))
        cluster = [self.complained + TURN * number for number in range(self.complaints)]
        return [*found, *((Told(account, "complained", at(hour)), number) for number, hour in enumerate(cluster))]

    def _is_gone(self, hour: int) -> bool:
        return self.gone is not None and self.gone <= hour and not (self.is_back and hour >= self.gone + 24)


def sorted_(chance: random.Random, event: Told, number: int) -> Sequence[int]:
    return (0,)


def shuffled(chance: random.Random, event: Told, number: int) -> Sequence[int]:
    return (chance.randint(0, 1),)


def repeated(chance: random.Random, event: Told, number: int) -> Sequence[int]:
    return (0, *(chance.randint(0, LATE_TURNS) for _ in range(chance.randint(0, 2))))


def late(chance: random.Random, event: Told, number: int) -> Sequence[int]:
    """Of moods and sign-ins every other one comes in time, so that nobody seems to be away who isn't."""
    may_wait = number % 2 == 0 or event.name in ("payment_failed", "complained")
    return (chance.randint(1, LATE_TURNS) if may_wait and chance.random() < 0.4 else 0,)


DELIVERIES: Final[Mapping[str, Delivery]] = {
    "sorted": sorted_,
    "shuffled": shuffled,
    "repeated": repeated,
    "late": late,
}

lives = st.lists(
    st.builds(
        Life,
        levels=st.tuples(*[st.sampled_from(LEVELS)] * (HOURS // LEVEL_HOURS)),
        gone=st.sampled_from([None, *SLOTS[1:6]]),
        is_back=st.booleans(),
        failed=st.sampled_from([None, *SLOTS]),
        complained=st.sampled_from(SLOTS[:-2]),
        complaints=st.sampled_from([0, 2, 3]),
    ),
    min_size=2,
    max_size=4,
)


def live_through(world: Gym, company: Sequence[Life], seed: int) -> None:
    """Every account in every delivery, each delivery from a source of its own; then quiet turns."""
    chance = random.Random(seed)
    waiting: dict[int, list[tuple[str, Told]]] = defaultdict(list)
    for number, life in enumerate(company):
        told = life.events("", random.Random(seed + number))
        for source, delivery in DELIVERIES.items():
            for event, place in told:
                own = Told(f"{source}-{number}", event.name, event.at, event.props)
                for turns in delivery(chance, own, place):
                    waiting[(event.at - NOW) // HOUR + 1 + turns * TURN].append((source, own))
        first = [mood(f"{source}-{number}", NOW - HOUR, 80) for source in DELIVERIES]
        for event in first:
            world.send(NOW - MINUTE, event, source=event.account.rpartition("-")[0])
    world.turn(NOW)
    for hour in sorted({*waiting, *QUIET}):
        moment = NOW + hour * HOUR
        for source in DELIVERIES:
            batch = [event for one, event in waiting[hour] if one == source]
            if source == "sorted":
                batch.sort(key=lambda event: event.at)
            else:
                chance.shuffle(batch)
            size = 5 if source == "repeated" else max(1, len(batch))
            for start in range(0, len(batch), size):
                world.send(moment - MINUTE, *batch[start : start + size], source=source)
        world.turn(moment)


def opened(source: str) -> list[Row]:
    """Every alert of the accounts of one delivery: account, rule, when it opened and whether it was known late."""
    rows = Alert.objects.filter(account__key__startswith=f"{source}-")
    told = rows.values_list("account__key", "rule", "opened_at", "is_known_late")
    return sorted((key.rpartition("-")[2], *rest) for key, *rest in told)


def check(company: Sequence[Life], seed: int) -> Mapping[str, Sequence[Row]]:
    """What opened, by delivery."""
    with TemporaryDirectory() as folder, gym(Path(folder)) as world:
        world.publish(**RULES)
        live_through(world, company, seed)
        found = {source: opened(source) for source in DELIVERIES}
    call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)
    in_order = found["sorted"]
    # Not only the same rules, but as often.
    for source in ("shuffled", "repeated"):
        assert sorted(row[:2] for row in found[source]) == sorted(row[:2] for row in in_order), source
    assert found["repeated"] == in_order
    assert {row[:2] for row in found["late"]} == {row[:2] for row in in_order}
    first = {row[:2]: row[2] for row in reversed(in_order)}
    for source, rows in found.items():
        # Of the rules that one event or the last of several opens.
        for account, rule, at, is_late in rows:
            if rule in ("payment", "angry"):
                assert is_late == (at > first[account, rule]), (source, account, rule)
    return found


@settings(max_examples=5)
@given(company=lives, seed=st.integers(0, 2**20))
def test_order_repetition_and_lateness_give_the_same_signals(company: list[Life], seed: int) -> None:
    check(company, seed)


# Every rule opens here, by something that is late too.
COMPANY: Final = (
    Life((80, 20, 50), None, is_back=False, failed=SLOTS[1], complained=SLOTS[0], complaints=3),
    Life((50, 80, 50), SLOTS[2], is_back=True, failed=SLOTS[4], complained=SLOTS[2], complaints=2),
    Life((80, 50, 20), SLOTS[4], is_back=False, failed=SLOTS[8], complained=SLOTS[6], complaints=3),
)


def test_every_rule_opens_in_the_company_that_faults_are_tried_on() -> None:
    found = check(COMPANY, 1)
    assert {rule for _, rule, _, _ in found["sorted"]} == {"payment", "angry", "away", "critical", "weak"}
    assert {rule for _, rule, _, is_late in found["late"] if is_late} >= {"payment", "angry"}


def judged_by_arrival(waiting: object) -> pa.Table:
    table = arrivals_of(waiting)  # type: ignore[arg-type]
    return table.set_column(table.schema.get_field_index("at"), "at", table["known_at"])


def all_new(database: object, rows: pa.Table, files: object, **more: object) -> Sifted:
    return Sifted(rows, np.zeros(len(rows), np.int8), [])


arrivals_of = seal._arrivals  # planted: a fault has no door of its own


@pytest.mark.parametrize(("where", "fault"), [("_arrivals", judged_by_arrival), ("sift", all_new)])
def test_a_fault_in_the_order_is_found(where: str, fault: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that count from when they came in, and events that count again when they come again."""
    monkeypatch.setattr(seal, where, fault)
    with pytest.raises(AssertionError):
        check(COMPANY, 1)
