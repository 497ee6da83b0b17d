"""Scales: from values to fractions of a weight."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from keepwell.base.registry import kinds
from keepwell.base.yaml_source import Yaml
from keepwell.health import scales as folder
from keepwell.health.health_model import Measure
from keepwell.health.scale import Scale
from tests.unit.health.samples import NAN
from tests.unit.health.samples import scales as rising

MEASURE = TypeAdapter(Measure)


def scale(**written: Yaml) -> Scale:
    return MEASURE.validate_python({"metric": "any", "weight": 1, "scale": written}).scale


def fractions(scale: Scale, values: list[float]) -> list[float]:
    return scale.fractions(np.array(values, dtype=np.float64)).tolist()


def test_a_curve_is_straight_between_its_points_and_flat_outside() -> None:
    curve = scale(kind="curve", points=[[0, 0], [0.5, 20], [1, 100]])
    assert fractions(curve, [-1, 0, 0.25, 0.5, 0.75, 1, 7]) == pytest.approx([0, 0, 0.1, 0.2, 0.6, 1, 1])


def test_a_curve_may_rise_and_fall() -> None:
    curve = scale(kind="curve", points=[[0, 0], [1, 100], [2, 0]])
    assert fractions(curve, [0.5, 1, 1.5]) == [0.5, 1, 0.5]


def test_a_line_may_fall() -> None:
    line = {"kind": "linear", "from": 10, "to": 0}
    assert fractions(scale(**line), [-1, 0, 2.5, 10, 99]) == [1, 1, 0.75, 0, 0]


@pytest.mark.parametrize("best_to", [0.5, 0.9])
def test_too_little_and_too_much_cost_points_when_a_middle_is_best(best_to: float) -> None:
    middle = scale(kind="middle", low=0.1, best_from=0.5, best_to=best_to, high=1.3)
    assert fractions(middle, [0, 0.1, 0.3, 0.5, best_to, (best_to + 1.3) / 2, 1.3, 5]) == pytest.approx(
        [0, 0, 0.5, 1, 1, 0.5, 0, 0]
    )


def test_a_step_begins_at_its_value() -> None:
    steps = scale(kind="steps", steps=[[1, 10], [3, 60], [5, 100]])
    assert fractions(steps, [-9, 0.99, 1, 2.99, 3, 5, 50]) == [0.1, 0.1, 0.1, 0.1, 0.6, 1, 1]


ALL = [
    scale(kind="curve", points=[[0, 0], [0.3, 33], [0.7, 100]]),
    scale(**{"kind": "linear", "from": 3, "to": -0.1}),
    scale(kind="middle", low=0, best_from=0.45, best_to=0.95, high=1.6),
    scale(kind="steps", steps=[[0, 0], [1, 60]]),
]


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.kind)
def test_missing_is_not_zero_and_the_infinite_is_held(one: Scale) -> None:
    assert math.isnan(fractions(one, [NAN])[0])
    assert all(0 <= fraction <= 1 for fraction in fractions(one, [math.inf, -math.inf]))


@given(st.sampled_from(ALL), st.lists(st.one_of(st.floats(-5, 5), st.just(NAN)), min_size=1, max_size=70))
def test_a_value_gives_the_same_bits_alone_and_in_company(one: Scale, values: list[float]) -> None:
    together = one.fractions(np.array(values))
    alone = np.concatenate([one.fractions(np.array([value])) for value in values])
    assert together.tobytes() == alone.tobytes()


@given(rising(), st.lists(st.floats(-6, 6), min_size=2, max_size=40))
def test_more_is_never_fewer_points_on_a_rising_scale(written: dict[str, Yaml], values: list[float]) -> None:
    found = fractions(scale(**written), sorted(values))
    assert found == sorted(found)
    assert all(0 <= fraction <= 1 for fraction in found)


def test_a_falling_scale_knows_that_it_falls() -> None:
    assert [(one.rises(), one.falls()) for one in ALL] == [(True, False), (False, True), (False, False), (True, False)]


def test_every_file_is_a_kind_with_a_text_for_its_reader() -> None:
    found = kinds("keepwell.health.scales", Scale)
    files = {path.stem for path in Path(next(iter(folder.__path__))).glob("*.py")} - {"__init__"}
    assert set(found) == files == {one.kind for one in ALL}
    assert all(len((__import__(one.__module__, fromlist=["x"]).__doc__ or "").split()) > 8 for one in found.values())
