"""What a turn need not ask again, and in which order it does what is more than a turn can do."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from keepwell.facts.moment import Moment
from keepwell.jobs import cycle as cycle_module
from keepwell.jobs import score_accounts
from keepwell.jobs.touch import do_touch_aged
from keepwell.lake.evidence import told_until
from keepwell.lake.log import EventLog
from keepwell.store.models import TouchedAccount
from tests.flows.playbook_world import account, playing
from tests.flows.signal_world import HOUR, MINUTE, NOW, Gym, mood

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Gym]:
    with playing(tmp_path) as found:
        yield found


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, list[int]]]:
    """Every question about the log for a score: whether it is about the past, and about whom."""
    asked: list[tuple[bool, list[int]]] = []
    whole = score_accounts.question_of

    def question_of(package: object, model: object, moments: Sequence[Moment], accounts: list[int], *more: object):  # type: ignore[no-untyped-def]
        asked.append((not more, accounts))
        return whole(package, model, moments, accounts, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(score_accounts, "question_of", question_of)
    return asked


def test_who_asks_about_the_past_asks_for_others_too_and_they_need_not(
    world: Gym, questions: list[tuple[bool, list[int]]]
) -> None:
    at = NOW + 2 * HOUR
    world.live(at, mood("acme", at, 50))
    assert [(is_past, len(accounts)) for is_past, accounts in questions] == [(False, 1), (True, 2)]
    questions.clear()
    world.live(at + MINUTE, mood("beta", at + MINUTE, 50))
    assert [is_past for is_past, _ in questions] == [False]
    # In the next hour the past is another one.
    world.live(at + HOUR, mood("beta", at + HOUR, 50))
    assert [is_past for is_past, _ in questions] == [False, False, True]


def test_while_much_waits_urgent_news_has_every_turn_and_the_others_every_second(
    world: Gym, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cycle_module, "ACCOUNTS_A_TURN", 1)
    acme, beta = account("acme").pk, account("beta").pk

    def left(turn: int, *, is_urgent: bool) -> list[int]:
        """Who still waits after a turn for which both waited."""
        now = NOW + 2 * HOUR + turn * MINUTE
        do_touch_aged([acme], now=now, is_urgent=is_urgent)
        do_touch_aged([beta], now=now)
        world.turn(now)
        return list(TouchedAccount.objects.values_list("account_id", flat=True))

    assert [left(turn, is_urgent=True) for turn in range(4)] == [[], [beta], [], [beta]]
    # Without urgent news there is nothing that the others would wait for.
    assert len(left(4, is_urgent=False)) == 1


def test_how_far_a_source_has_told_is_read_once_for_each_file_and_right_at_any_moment(world: Gym) -> None:
    log = EventLog(world.home.log)
    moments = [NOW + number * HOUR for number in range(5)]
    for at in moments:
        world.live(at, mood("acme", at - MINUTE, 50))
    for at in (*moments, *reversed(moments)):
        told = told_until(log, Moment.at(at + 30 * MINUTE), NOW - 10 * HOUR)
        assert told == {"app": at - MINUTE}
    assert told_until(log, Moment.at(moments[-1]), moments[-1]) == {}
