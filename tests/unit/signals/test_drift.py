"""Slow changes of the health score, told apart from noise."""

from dataclasses import replace
from decimal import Decimal
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from keepwell.signals.conditions.drift import Drift
from keepwell.signals.panel import Panel
from tests.unit.signals.panels import One, panel

DAYS = 28
FALL = Drift(days=DAYS, fall=Decimal(6))


def scored(*series: list[float] | NDArray[np.float64]) -> Panel:
    return replace(panel(*[One(Decimal(50)) for _ in series]), daily={DAYS: np.array(series, dtype=np.float64)})


def line(change: float) -> NDArray[np.float64]:
    return np.linspace(60, 60 + change, DAYS)


@pytest.mark.requirement("B194")
def test_a_fall_of_a_quarter_of_a_point_a_day_is_noticed_and_its_limit_is_exact() -> None:
    assert FALL.truth(scored(line(-5.99), line(-6.01), line(-20), line(20))).tolist() == [-1, 1, 1, -1]
    assert Drift(days=DAYS, rise=Decimal(6)).truth(scored(line(6.01), line(-20))).tolist() == [1, -1]


@pytest.mark.requirement("B194")
def test_single_days_hide_no_drift_and_make_none() -> None:
    spiked = line(-8)
    spiked[[3, 17]] += 30
    one_fall = np.array([60.0] * 27 + [20.0])
    assert FALL.truth(scored(spiked, one_fall)).tolist() == [1, -1]


def test_with_scores_on_fewer_than_half_of_the_days_nobody_can_say() -> None:
    half, fewer = line(-20), line(-20)
    half[::2] = np.nan
    fewer[:15] = np.nan
    assert FALL.truth(scored(half, fewer)).tolist() == [1, 0]
    assert FALL.truth(panel(One(Decimal(50)))).tolist() == [0]


def test_noise_without_a_trend_is_called_a_drift_less_often_than_it_may_be() -> None:
    draw = np.random.default_rng(7)
    noise = draw.normal(60, 2, (20_000, DAYS))
    free = Drift(days=DAYS, fall=Decimal("0.000000001"), sure=0.99)
    share = float((free.truth(scored(*noise)) == 1).mean())
    assert 0.004 < share <= 0.0115


@settings(max_examples=40)
@given(st.lists(st.none() | st.integers(0, 100), min_size=DAYS, max_size=DAYS))
def test_the_slope_is_the_median_of_all_slopes(values: list[int | None]) -> None:
    slopes = [
        (later - earlier) / (j - i)
        for i, earlier in enumerate(values)
        for j, later in enumerate(values)
        if j > i and earlier is not None and later is not None
    ]
    expected = median(slopes) * (DAYS - 1) if slopes else 0.0
    told = FALL.lines(scored([np.nan if one is None else one for one in values]), 0, {})[0].value
    assert told == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("written", [{}, {"fall": 5, "rise": 5}, {"fall": 0}, {"fall": 5, "days": 3}])
def test_a_drift_goes_one_way_over_a_week_or_more(written: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Drift.model_validate(written)
