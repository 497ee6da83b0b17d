"""What happens account by account as news comes in and what a run over all accounts finds once a day agree."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest
from django.core.management import call_command

from keepwell.base.business_time import Calendar
from keepwell.jobs import cycle
from keepwell.jobs.score_accounts import do_score_accounts
from keepwell.jobs.seal import Sealer
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.store.models import Alert, AuditEntry, ModelVersion
from tests.flows.signal_world import BY, DAY, HOUR, MINUTE, NOW, Gym, Told, gym, mood, open_now, signals

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNTS: Final = 24
DAYS: Final = 6
EVERY: Final = 6 * HOUR
# When the daily run is, after everything of the day before and of this morning is known.
RUN: Final = 14 * HOUR


def company() -> Mapping[datetime, Sequence[Told]]:
    """What comes in when: a level a day, the last for two; some stop signing in, some fail to pay."""
    chance = random.Random(41)
    found: dict[datetime, list[Told]] = defaultdict(list)
    for number in range(ACCOUNTS):
        account = f"account-{number:02}"
        levels = [80, *(chance.choice((20, 50, 80)) for _ in range(DAYS - 2))]
        levels.append(levels[-1])
        last_sign = NOW + chance.choice((1, 2, DAYS)) * DAY
        failed = chance.choice([None, *range(1, DAYS)])
        for moment in (NOW + step * EVERY for step in range(DAYS * 4)):
            at = moment - chance.randrange(1, 30) * MINUTE
            day = (moment - NOW) // DAY
            found[moment].append(mood(account, at, levels[day] + chance.uniform(-5, 5)))
            if moment < last_sign:
                found[moment].append(Told(account, "signed_in", at))
            if failed == day:
                found[moment].append(Told(account, "payment_failed", at))
    return found


def do_run_full(world: Gym, now: datetime) -> None:
    (version,) = ModelVersion.objects.all()
    Sealer(world.home).do_seal_inbox()
    do_score_accounts(world.home, embedded_engine(), version, [now], detects=Calendar(), by=BY, now=now)


@pytest.mark.requirement("A039", "A041")
def test_runs_over_all_accounts_and_turns_for_those_with_news_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = company()
    end = NOW + (DAYS - 1) * DAY + RUN + EVERY
    with gym(tmp_path / "full") as world:
        for moment, events in history.items():
            world.send(moment, *events)
            if (moment + EVERY - NOW - RUN) % DAY < EVERY:
                do_run_full(world, moment + EVERY - MINUTE)
        do_run_full(world, end)
        daily = open_now()
    call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)
    monkeypatch.setattr(cycle, "is_full_run_due", lambda version, now: False)
    with gym(tmp_path / "news") as world:
        for moment, events in history.items():
            turn = world.live(moment, *events)
            world.turn(turn + 5 * MINUTE, turn + 3 * HOUR)
        world.turn(end - MINUTE)
        assert not AuditEntry.objects.filter(act="accounts_scored").exists()
        assert open_now() == daily
        assert {rule for _, rule in daily} == {"payment", "away", "critical", "weak"}
        before = (signals(), sorted(Alert.objects.values_list("pk", "closed_at")))
        do_run_full(world, end)
        assert (signals(), sorted(Alert.objects.values_list("pk", "closed_at"))) == before
