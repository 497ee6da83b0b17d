"""Why a score changed: each cause alone gets its share, and the shares add up to the digit."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.facts.values import Values
from keepwell.health.change import CauseOfChange, Stages, why_changed
from keepwell.health.health_model import HealthModel
from keepwell.health.score import score
from keepwell.health.weight import NANO
from tests.unit.health.samples import AS_OF, MODEL, health_model, matrix_of, models, values, values_of

SMALL = health_model()


def at(**found: float) -> Values:
    return values_of([found], SMALL.metrics())


FULL = {"active_rate": 0.7, "payments": 4.0, "seats": 20.0}


def stages(before: Values, aged: Values, told: Values, after: Values) -> Stages:
    return Stages(before, aged, told, after, after)


def causes(given: Stages, later: HealthModel = SMALL) -> dict[tuple[str, str], float]:
    return {(one.metric, one.cause): one.nano / NANO for one in why_changed(given, SMALL, later)}


def test_nothing_changed() -> None:
    assert causes(stages(*[at(**FULL)] * 4)) == {}


def test_older_facts_are_ageing() -> None:
    aged = at(**{**FULL, "active_rate": 0.35})
    assert causes(stages(at(**FULL), aged, aged, aged)) == {("active_rate", "ageing"): -30}


def test_facts_that_became_known_later_are_late() -> None:
    told = at(**{**FULL, "payments": 2})
    assert causes(stages(at(**FULL), at(**FULL), told, told)) == {("payments", "late"): -12.5}


def test_what_happened_in_between_is_behaviour() -> None:
    after = at(**{**FULL, "payments": 0})
    assert causes(stages(at(**FULL), at(**FULL), at(**FULL), after)) == {("payments", "behaviour"): -25}


def test_what_came_in_place_of_older_facts_is_behaviour_and_nothing_else() -> None:
    aged, after = at(**{**FULL, "active_rate": 0.35}), at(**{**FULL, "active_rate": 0.49})
    found = causes(stages(at(**FULL), aged, aged, after))
    assert found == pytest.approx({("active_rate", "behaviour"): -18})


def test_a_value_that_went_missing_is_data() -> None:
    after = at(active_rate=0.35, payments=4.0)
    before = at(active_rate=0.35, payments=4.0, seats=0.0)
    found = causes(stages(before, before, before, after))
    assert found == {("payments", "data"): 15}


def test_another_model_on_the_same_facts_is_the_model() -> None:
    later = health_model(MODEL.replace("to: 4", "to: 8"))
    assert causes(stages(*[at(**FULL)] * 4), later) == {("payments", "model"): -12.5}


def test_the_largest_cause_comes_first() -> None:
    after = at(active_rate=0.0, payments=2.0, seats=20.0)
    found = why_changed(stages(at(**FULL), at(**FULL), at(**FULL), after), SMALL, SMALL)
    assert found == (
        CauseOfChange("active_rate", "behaviour", -60 * NANO),
        CauseOfChange("payments", "behaviour", -12_500_000_000),
    )


def one_row(data: st.DataObject, model: HealthModel) -> Values:
    return data.draw(values(model, rows=1))


@given(models(), st.data())
def test_the_causes_add_up_to_the_digit(earlier: HealthModel, data: st.DataObject) -> None:
    later = data.draw(models())
    edited = one_row(data, later)
    found = Stages(*(one_row(data, earlier) for _ in range(4)), edited)
    change = int(score(edited, later).nano_points[0]) - int(score(found.before, earlier).nano_points[0])
    assert sum(one.nano for one in why_changed(found, earlier, later)) == change


@given(models(policies=False), st.data())
def test_a_measure_moves_by_its_own_value_only(model: HealthModel, data: st.DataObject) -> None:
    """With the same data present at both moments, what did not change its value is no cause."""
    before = one_row(data, model)
    moved = data.draw(st.sampled_from(before.metrics))
    matrix = before.matrix.copy()
    matrix[0, before.metrics.index(moved)] += 1
    after = replace(matrix_of(matrix, before.metrics), as_of=AS_OF + timedelta(days=1))
    found = why_changed(stages(before, before, before, after), model, model)
    assert {(one.metric, one.cause) for one in found} <= {(moved, "behaviour")}
    assert np.isnan(before.matrix).sum() == np.isnan(after.matrix).sum()
