"""A worker that stood still for more than a day: old scores are marked, and what is told late says so."""

from pathlib import Path

import pytest

from keepwell.store.models import Alert, Member
from keepwell.store.read.account import AccountFilter, access_accounts
from tests.flows.signal_world import HOUR, MINUTE, NOW, Told, gym, mood

pytestmark = pytest.mark.django_db(transaction=True)
STOPPED = 26 * HOUR


def test_scores_are_marked_old_while_it_stands_and_alerts_are_marked_late_afterwards(tmp_path: Path) -> None:
    """F33: events are taken all the time, and wait."""
    member = Member.objects.create_user("ada@keepwell.example", None, name="Ada Byron", role="owner")
    again = NOW + STOPPED

    def old(now_after: int) -> list[bool]:
        rows = access_accounts(member, "gym/gym", AccountFilter(), sort="name", is_descending=False, first=0, size=9)
        return [row.has_old_score(NOW + now_after * HOUR) for row in rows]

    with gym(tmp_path) as world:
        world.live(NOW - MINUTE, mood("acme", NOW - HOUR, 80), mood("borealis", NOW - HOUR, 80))
        assert old(23) == [False, False]
        assert old(25) == [True, True]
        world.send(NOW + HOUR, Told("acme", "payment_failed", NOW + HOUR - MINUTE))
        world.send(NOW + 2 * HOUR, mood("acme", NOW + 2 * HOUR - MINUTE, 10))
        # News in time that has nothing to do with what happened before.
        world.send(again - MINUTE, Told("acme", "signed_in", again - 2 * MINUTE))
        world.send(again - MINUTE, Told("borealis", "payment_failed", again - 2 * MINUTE))
        assert Alert.objects.count() == 0
        world.turn(again)
        assert old(26) == [False, False]
    late = Alert.objects.values_list("account__key", "rule", "is_known_late", "happened_at")
    assert sorted(late) == [
        ("acme", "critical", True, NOW + 2 * HOUR - MINUTE),
        ("acme", "payment", True, NOW + HOUR - MINUTE),
        ("borealis", "payment", False, again - 2 * MINUTE),
    ]
