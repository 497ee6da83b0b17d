"""So many a minute, and who is refused is told when to come again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.base.allowance import FEWEST_SWEPT, Allowance


@pytest.mark.parametrize("a_minute", [1, 7, 120, 1000])
def test_a_minutes_worth_passes_at_once_and_one_more_does_not(a_minute: int) -> None:
    allowance = Allowance(a_minute)
    assert [allowance.wait_s("a", 100.0) for _ in range(a_minute)] == [0.0] * a_minute
    wait = allowance.wait_s("a", 100.0)
    assert wait == pytest.approx(60 / a_minute)
    assert allowance.wait_s("a", 100.0 + wait) == 0.0
    assert allowance.wait_s("a", 100.0 + wait) > 0.0


def test_the_others_are_not_touched() -> None:
    allowance = Allowance(3)
    while allowance.wait_s("greedy", 5.0) == 0.0:
        pass
    assert allowance.wait_s("modest", 5.0) == 0.0


@given(
    gaps=st.lists(st.floats(0, 30), max_size=200),
    counts=st.lists(st.integers(1, 5), min_size=200, max_size=200),
    a_minute=st.integers(5, 60),
)
def test_no_stretch_gives_more_than_its_share_and_no_wait_is_vain(
    gaps: list[float], counts: list[int], a_minute: int
) -> None:
    allowance, now = Allowance(a_minute), 1_000.0
    passed: list[tuple[float, int]] = []
    for gap, count in zip(gaps, counts, strict=False):
        now += gap
        wait = allowance.wait_s("a", now, count=count)
        if wait == 0.0:
            passed.append((now, count))
        else:
            assert wait <= 60
            assert Allowance.wait_s(allowance, "a", now + wait, count=count) == 0.0
            now += wait
            passed.append((now, count))
    for first, (begun, _) in enumerate(passed):
        taken = 0
        for at, count in passed[first:]:
            taken += count
            assert taken <= a_minute * (1 + (at - begun) / 60) + 1e-3


def test_full_buckets_are_forgotten() -> None:
    allowance = Allowance(10)
    for number in range(FEWEST_SWEPT * 3):
        assert allowance.wait_s(number, number * 0.1) == 0.0
    assert len(allowance) <= FEWEST_SWEPT
