"""No promise is broken in any of these stories, and promises see designs that break them.

`make test-long` tells 200 stories of 200 accounts and 90 days.
"""

import os
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from keepwell.jobs import arbitration, contact, deliver_touch, enrolment
from keepwell.playbooks.voice import Verdict, Voice
from keepwell.store.models import Touch
from tests.simulation.story import ALWAYS, tell

pytestmark = pytest.mark.django_db(transaction=True)

SEEDS = int(os.environ.get("KEEPWELL_SEEDS", "0"))


@pytest.mark.parametrize("seed", range(SEEDS or 5))
def test_no_promise_is_broken(tmp_path: Path, seed: int) -> None:
    story = tell(tmp_path, seed, accounts=200, days=90) if SEEDS else tell(tmp_path, seed, accounts=30, days=30)
    assert story.broken == []
    lacking = [what for what in ALWAYS if not story.sometimes[what]]
    assert not lacking, f"seed {seed} never came to: {lacking}"


def break_opt_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (arbitration, contact, deliver_touch, enrolment):
        monkeypatch.setattr(module, "opted_out_contacts", lambda contacts: set())


def break_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arbitration, "_said", lambda contacts, now: {})


def break_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Voice, "quiet_until", lambda self, at, calendar: at)


def break_exits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arbitration, "judge", lambda some, *rest: {one.touch: Verdict("leave") for one in some})


def break_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def hopeful(now: datetime) -> Counter[str]:
        Touch.objects.filter(state="claimed", claimed_at__lt=now).update(state="todo", claim="", lease_until=None)
        return Counter()

    monkeypatch.setattr(deliver_touch, "_give_up_claims", hopeful)


@pytest.mark.parametrize(
    ("fault", "promise"),
    [
        (break_opt_out, "P9"),
        (break_cap, "P12"),
        (break_night, "quiet hours"),
        (break_exits, ""),
        (break_unknown, "P8"),
    ],
)
def test_promises_see_a_design_that_breaks_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: object, promise: str
) -> None:
    fault(monkeypatch)  # type: ignore[operator]  # each is called so
    story = tell(tmp_path, 1, accounts=40, days=90)
    assert story.broken, "no promise was broken"
    assert any(promise in one for one in story.broken)
