"""The score: exact, between 0 and 100, monotone, and the same for an account alone and among others.

Every property is also held against wrong implementations, because one that no mistake can break shows nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from keepwell.facts.values import Values
from keepwell.health.health_model import HealthModel
from keepwell.health.score import Scores, _patterns, nano, points, score
from keepwell.health.weight import FULL, NANO
from tests.unit.health.samples import MODEL, NAN, health_model, matrix_of, models, shipped, values, values_of

Scoring = Callable[[Values, HealthModel], Scores]


@st.composite
def cases(draw: st.DrawFn) -> tuple[HealthModel, Values]:
    model = draw(models())
    return model, draw(values(model))


def adds_up(case: tuple[HealthModel, Values], scoring: Scoring) -> None:
    found = scoring(case[1], case[0])
    assert (found.contributions.sum(axis=1) == found.nano_points).all()
    assert (found.weights.sum(axis=1) == np.where(found.is_scored, FULL, 0)).all()


def stays_within_bounds(case: tuple[HealthModel, Values], scoring: Scoring) -> None:
    found = scoring(case[1], case[0])
    assert (found.contributions >= 0).all()
    assert (found.contributions <= found.weights).all()
    assert ((found.nano_points >= 0) & (found.nano_points <= FULL)).all()
    assert ((found.coverage >= 0) & (found.coverage <= 1)).all()


def rises_with_every_metric(case: tuple[HealthModel, Values], scoring: Scoring) -> None:
    """The scales of random models all rise but for falling lines, which are turned here."""
    model, given = case
    for column in range(len(given.metrics)):
        more = given.matrix.copy()
        more[:, column] += 0.3
        rising = scoring(replace(given, matrix=more), model).nano_points - scoring(given, model).nano_points
        assert (rising >= 0).all()


def treats_missing_as_missing(case: tuple[HealthModel, Values], scoring: Scoring) -> None:
    model, given = case
    found = scoring(given, model)
    redistributed = [measure for measure in model.measures() if isinstance(model.policy(measure), str)]
    columns = [given.metrics.index(measure.metric) for measure in redistributed]
    gone = np.isnan(given.matrix[:, columns])
    assert (found.weights[:, columns][gone] == 0).all()
    assert (found.contributions[:, columns][gone] == 0).all()
    assert (found.is_scored == ~np.isnan(given.matrix).all(axis=1)).all()


def is_the_same_alone(case: tuple[HealthModel, Values], scoring: Scoring) -> None:
    model, given = case
    whole = scoring(given, model)
    for row in range(len(given.accounts)):
        one = slice(row, row + 1)
        alone = scoring(replace(given, accounts=given.accounts[one], matrix=given.matrix[one]), model)
        assert alone.nano_points.tobytes() == whole.nano_points[one].tobytes()
        assert alone.contributions.tobytes() == np.ascontiguousarray(whole.contributions[one]).tobytes()
        assert alone.coverage.tobytes() == whole.coverage[one].tobytes()


PROPERTIES = [adds_up, stays_within_bounds, rises_with_every_metric, treats_missing_as_missing, is_the_same_alone]


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda one: one.__name__)
def test_the_score(holds: Callable[[tuple[HealthModel, Values], Scoring], None]) -> None:
    @given(cases())
    def always(case: tuple[HealthModel, Values]) -> None:
        holds(case, score)

    always()


def missing_as_zero(given: Values, model: HealthModel) -> Scores:
    return score(replace(given, matrix=np.nan_to_num(given.matrix, nan=0.0)), model)


def missing_keeps_its_weight(given: Values, model: HealthModel) -> Scores:
    found, full = score(given, model), score(replace(given, matrix=np.nan_to_num(given.matrix, nan=0.0)), model)
    contributions = np.where(np.isnan(found.values), 0, full.contributions)
    return replace(found, weights=full.weights, contributions=contributions, nano_points=contributions.sum(axis=1))


def rounded_to_points(given: Values, model: HealthModel) -> Scores:
    found = score(given, model)
    return replace(found, nano_points=np.rint(found.nano_points / NANO).astype(np.int64) * NANO)


def truncated_weights(given: Values, model: HealthModel) -> Scores:
    found = score(given, model)
    return replace(found, weights=found.weights // 1000 * 1000)


def judged_against_the_others(given: Values, model: HealthModel) -> Scores:
    found = score(given, model)
    return replace(found, nano_points=found.nano_points * FULL // max(int(found.nano_points.max()), 1))


def upside_down(given: Values, model: HealthModel) -> Scores:
    return score(replace(given, matrix=-given.matrix), model)


def extrapolated(given: Values, model: HealthModel) -> Scores:
    found = score(given, model)
    contributions = np.where(found.contributions == found.weights, found.weights * 2, found.contributions)
    return replace(found, contributions=contributions, nano_points=contributions.sum(axis=1))


@pytest.mark.parametrize(
    ("holds", "wrong"),
    [
        (treats_missing_as_missing, missing_as_zero),
        (treats_missing_as_missing, missing_keeps_its_weight),
        (adds_up, rounded_to_points),
        (adds_up, truncated_weights),
        (is_the_same_alone, judged_against_the_others),
        (rises_with_every_metric, upside_down),
        (stays_within_bounds, extrapolated),
    ],
)
def test_a_wrong_score_is_found_out(
    holds: Callable[[tuple[HealthModel, Values], Scoring], None], wrong: Scoring
) -> None:
    @settings(phases=[Phase.generate])
    @given(cases())
    def always(case: tuple[HealthModel, Values]) -> None:
        holds(case, wrong)

    with pytest.raises((AssertionError, ExceptionGroup)):
        always()


@given(models(policies=False))
def test_full_marks_are_exactly_100_and_no_marks_exactly_0(model: HealthModel) -> None:
    corners = [measure.scale.corners() for measure in model.measures()]
    is_full = [max(points for _, points in one) == 100 and min(points for _, points in one) == 0 for one in corners]
    best = [max(one, key=lambda corner: corner[1])[0] for one in corners]
    worst = [min(one, key=lambda corner: corner[1])[0] for one in corners]
    found = score(matrix_of(np.array([best, worst]), model.metrics()), model)
    if all(is_full):
        assert found.nano_points.tolist() == [FULL, 0]


@pytest.mark.requirement("A024")
def test_a_sum_by_hand() -> None:
    found = score(values_of([{"active_rate": 0.35, "payments": 3, "seats": 7}], SMALL.metrics()), SMALL)
    assert found.contributions.tolist() == [[30 * NANO, 18_750_000_000, 7_500_000_000]]
    assert found.points(0) == Decimal("56.25")


SMALL = health_model()
NEUTRAL = health_model(MODEL.replace("weight: 15\n", "weight: 15\n        missing: {neutral: 40}\n"))


def test_an_account_without_any_value_is_unknown_and_not_critical() -> None:
    found = score(values_of([{}, {"active_rate": 0}], NEUTRAL.metrics()), NEUTRAL)
    assert found.is_scored.tolist() == [False, True]
    assert found.is_known.tolist() == [False, True]
    assert found.coverage.tolist() == [0, 0.6]
    assert found.points(0) is None


def test_a_missing_value_is_not_zero() -> None:
    found = score(
        values_of([{"active_rate": 0.7}, {"active_rate": 0.7, "payments": 0, "seats": 0}], SMALL.metrics()), SMALL
    )
    assert [found.points(row) for row in (0, 1)] == [100, 60]


def test_a_neutral_measure_keeps_its_weight_and_covers_nothing() -> None:
    found = score(values_of([{"active_rate": 0.7, "payments": 4}], NEUTRAL.metrics()), NEUTRAL)
    assert found.points(0) == 60 + 25 + 15 * Decimal("0.4")
    assert found.coverage.tolist() == [0.85]


def test_coverage_at_the_minimum_is_known() -> None:
    rows = [{"active_rate": 0.1}, {"payments": 1, "seats": 1}]
    assert score(values_of(rows, SMALL.metrics()), SMALL).is_known.tolist() == [True, False]


def test_scores_cannot_be_written_to() -> None:
    found = score(values_of([{"active_rate": 0.1}], SMALL.metrics()), SMALL)
    with pytest.raises(ValueError, match="read-only"):
        found.nano_points[0] = 1


def test_no_accounts_no_scores() -> None:
    found = score(matrix_of(np.zeros((0, 3)), SMALL.metrics()), SMALL)
    assert found.nano_points.shape == (0,)
    assert found.row(1) is None


def test_rows_are_found_by_account() -> None:
    found = score(values_of([{"active_rate": 0.1}] * 3, SMALL.metrics()), SMALL)
    assert [found.row(account) for account in (0, 1, 3, 4)] == [None, 0, 2, None]


def test_many_measures_and_many_patterns() -> None:
    model = shipped("crypto").models["crypto"]
    generator = np.random.default_rng(7)
    matrix = np.where(generator.random((500, 36)) < 0.5, NAN, generator.random((500, 36)))
    found = score(matrix_of(matrix, model.metrics()), model)
    assert (found.weights.sum(axis=1) == np.where(found.is_scored, FULL, 0)).all()


@given(st.integers(1, 150), st.integers(0, 2**32))
def test_columns_are_of_one_pattern_when_they_are_equal(measures: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    counts = generator.random((measures, 3)).T[generator.integers(0, 3, 20)].T < 0.5
    first, pattern = _patterns(counts)
    assert (counts[:, first][:, pattern] == counts).all()
    assert len(first) == len(np.unique(counts, axis=1).T)


def test_points_and_billionths() -> None:
    assert points(nano(Decimal("19.999"))) == Decimal("19.999")
