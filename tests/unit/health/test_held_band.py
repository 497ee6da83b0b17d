"""Bands: exact edges, and an account that does not leave its band for every swing."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.health.health_model import HealthModel
from keepwell.health.held_band import HeldBand, hold_band, raw_band
from keepwell.health.score import nano
from tests.unit.health.samples import AS_OF, shipped

SAAS = shipped("saas").models["saas"]
CRYPTO = shipped("crypto").models["crypto"]
HOUR = timedelta(hours=1)

EDGES = ["0", "19.999", "19.999999999", "20", "39.5", "39.999999999", "40", "59.5", "60", "79.99", "80", "100"]
FIVE = ["critical"] * 3 + ["high_risk"] * 3 + ["at_risk"] * 2 + ["healthy"] * 2 + ["thriving"] * 2
FOUR = ["critical"] * 6 + ["at_risk"] * 2 + ["stable"] * 2 + ["healthy"] * 2


def band(score: str, model: HealthModel) -> str:
    return raw_band(nano(Decimal(score)), model)


@pytest.mark.requirement("A025", "A029", "A030", "A031", "A032", "A033")
@pytest.mark.parametrize(("score", "expected"), list(zip(EDGES, FIVE, strict=True)))
def test_the_upper_band_owns_its_lower_edge_in_five_bands_x01_x02(score: str, expected: str) -> None:
    assert band(score, SAAS) == expected


@pytest.mark.requirement("B052", "B057", "B062", "B067")
@pytest.mark.parametrize(("score", "expected"), list(zip(EDGES, FOUR, strict=True)))
def test_the_upper_band_owns_its_lower_edge_in_four_bands_x28(score: str, expected: str) -> None:
    assert band(score, CRYPTO) == expected


def test_a_model_may_give_the_edge_to_the_lower_band_x01() -> None:
    model = SAAS.model_copy(update={"edges": "upper_inclusive"})
    expected = ["critical"] * 4 + ["high_risk"] * 3 + ["at_risk"] * 2 + ["healthy"] * 2 + ["thriving"]
    assert [band(score, model) for score in EDGES] == expected


def held(*scores: float, every: timedelta = HOUR, start: HeldBand | None = None) -> list[HeldBand]:
    """The bands of an account that scores these, one after the other; margin 2, hold 24 h, critical at once."""
    found: list[HeldBand] = []
    for number, score in enumerate(scores):
        previous = found[-1] if found else start
        found.append(hold_band(previous, nano(Decimal(str(score))), SAAS, AS_OF + number * every))
    return found


def bands(*scores: float, every: timedelta = HOUR) -> list[str]:
    return [one.band for one in held(*scores, every=every)]


def test_a_band_knows_which_one_was_left_for_it() -> None:
    assert [one.before for one in held(61, 50, 51, 70)] == ["", "healthy", "healthy", "at_risk"]


def test_the_first_score_sets_the_band() -> None:
    assert held(61)[0] == HeldBand("healthy", AS_OF, None, "healthy")


def test_a_band_is_left_the_margin_past_its_edge() -> None:
    assert bands(61, 59.9, 58.1, 58) == ["healthy", "healthy", "healthy", "at_risk"]
    assert bands(59, 60, 61.9, 62) == ["at_risk", "at_risk", "at_risk", "healthy"]


def test_a_band_is_left_after_being_past_its_edge_for_a_day() -> None:
    assert bands(61, *[59.5] * 24) == ["healthy"] * 25
    assert bands(61, *[59.5] * 25)[-1] == "at_risk"
    assert bands(59, *[60.5] * 25)[-1] == "healthy"


def test_coming_back_ends_the_wait() -> None:
    assert bands(61, *[59.5] * 20, 60, *[59.5] * 20)[-1] == "healthy"


def test_past_the_other_edge_the_wait_begins_anew() -> None:
    assert bands(41, *[39.5] * 20, *[60.5] * 24)[-1] == "at_risk"
    assert bands(41, *[39.5] * 20, *[60.5] * 25)[-1] == "healthy"


def test_a_fall_to_critical_counts_at_once() -> None:
    assert bands(21, 19.999) == ["high_risk", "critical"]


def test_critical_is_left_like_any_other_band() -> None:
    assert bands(19, 20, 21.9, 22) == ["critical", "critical", "critical", "high_risk"]


def test_a_fall_past_a_whole_band_counts_at_once() -> None:
    assert bands(80, 59.999) == ["thriving", "at_risk"]


def test_a_rise_over_several_bands_counts_at_once() -> None:
    assert bands(30, 85) == ["high_risk", "thriving"]


def test_the_band_remembers_since_when() -> None:
    found = held(61, 59, 59, 50)
    assert [one.since for one in found] == [AS_OF, AS_OF, AS_OF, AS_OF + 3 * HOUR]
    assert [one.pending_since for one in found] == [None, AS_OF + HOUR, AS_OF + HOUR, None]


def test_a_band_that_the_model_no_longer_has_is_left() -> None:
    assert hold_band(HeldBand("gone", AS_OF), nano(Decimal(61)), SAAS, AS_OF + HOUR).band == "healthy"


@given(st.sampled_from([40, 60, 80]), st.lists(st.floats(-1.99, 1.99), min_size=1, max_size=60))
def test_noise_below_the_margin_and_the_hold_never_moves_a_band(edge: int, noise: list[float]) -> None:
    swings = [float(edge)]
    for number, one in enumerate(noise):
        swings.append(edge + abs(one) if number % 20 == 0 else edge + one)
    assert len(set(bands(*(round(score, 9) for score in swings), every=HOUR))) == 1


def test_without_hysteresis_that_noise_would_move_it() -> None:
    model = SAAS.model_copy(update={"hysteresis": type(SAAS.hysteresis)()})
    first = hold_band(None, nano(Decimal(60)), model, AS_OF)
    assert hold_band(first, nano(Decimal("59.9")), model, AS_OF + HOUR).band == "at_risk"


@given(st.lists(st.integers(0, 100 * 10), min_size=1, max_size=40))
def test_a_held_band_is_never_further_than_the_margin(tenths: list[int]) -> None:
    for score, one in zip(tenths, held(*(tenth / 10 for tenth in tenths)), strict=True):
        if one.band != band(str(score / 10), SAAS):
            ids = [known.id for known in SAAS.bands]
            lo = SAAS.bands[ids.index(one.band)].lo
            hi = ([known.lo for known in SAAS.bands] + [Decimal(100)])[ids.index(one.band) + 1]
            assert lo - 2 < Decimal(score) / 10 < hi + 2
