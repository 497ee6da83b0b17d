"""Which playbook a signal starts, and which open ones end for it."""

from datetime import timedelta

import pytest

from keepwell.playbooks.start import Earlier, Start, choose_start, start_refusal
from tests.unit.playbooks.world import START, book

STEPS = "steps:\n  - {id: call, kind: task, title: Call, after: 1h}\n"
BOOK = book(
    hard=f"title: Hard\nstarts_on: fell\npriority: 90\nsupersedes: [mild]\nagain_after: 10d\n{STEPS}",
    mild=f"title: Mild\nstarts_on: [fell, silent]\npriority: 10\n{STEPS}",
).playbooks
DAY = timedelta(days=1)


def test_the_highest_priority_starts() -> None:
    assert choose_start(BOOK, "fell", [], START) == Start("hard")
    assert choose_start(BOOK, "silent", [], START) == Start("mild")
    assert choose_start(BOOK, "unknown", [], START) == Start()


def test_starting_ends_what_it_supersedes() -> None:
    assert choose_start(BOOK, "fell", [Earlier("mild", START - DAY)], START).ends == ("mild",)


def test_what_has_ended_is_not_ended_again() -> None:
    assert choose_start(BOOK, "fell", [Earlier("mild", START - DAY, START)], START).ends == ()


def test_an_account_goes_through_a_playbook_once_at_a_time() -> None:
    found = choose_start(BOOK, "silent", [Earlier("mild", START - 90 * DAY)], START)
    assert found == Start(refused=(("mild", "already_open"),))


def test_nothing_milder_starts_beside_the_one_that_the_signal_asks_for_first() -> None:
    apart = {**BOOK, "hard": BOOK["hard"].model_copy(update={"supersedes": ()})}
    found = choose_start(apart, "fell", [Earlier("hard", START - DAY)], START)
    assert found == Start(refused=(("hard", "already_open"),))
    assert start_refusal(apart, "mild", [Earlier("hard", START - DAY)], START) == ""


def test_a_milder_one_does_not_start_beside_the_one_that_supersedes_it() -> None:
    found = choose_start(BOOK, "silent", [Earlier("hard", START - DAY)], START)
    assert found == Start(refused=(("mild", "superseded_by_hard"),))


@pytest.mark.parametrize(("days", "starts"), [(9, "mild"), (10, "hard")])
def test_it_starts_again_only_after_its_time(days: int, starts: str) -> None:
    earlier = Earlier("hard", START - days * DAY, START - days * DAY + DAY)
    assert choose_start(BOOK, "fell", [earlier], START).playbook == starts
