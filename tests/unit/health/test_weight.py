"""Effective weights: whole, exact, and given away as the policies say."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.base.yaml_source import Yaml
from keepwell.health.health_model import HealthModel
from keepwell.health.weight import FULL, MOST_MASS, NANO, Branch, Leaf, WeightTree, apportioned
from tests.unit.health.samples import model_of, models, shipped

LINE: dict[str, Yaml] = {"kind": "linear", "from": 0, "to": 1}


def measure(metric: str, weight: Yaml = None, missing: Yaml = None) -> dict[str, Yaml]:
    written: dict[str, Yaml] = {"metric": metric, "weight": weight, "missing": missing, "scale": LINE}
    return {key: value for key, value in written.items() if value is not None}


def group(name: str, weight: Yaml, *parts: Yaml, equal: bool = False) -> dict[str, Yaml]:
    written: dict[str, Yaml] = {"id": name, "title": name, "weight": weight, "parts": list(parts)}
    return {**written, "weights": "equal"} if equal else written


def weights(model: HealthModel, missing: str = "") -> list[float]:
    present = [measure.metric not in missing.split() for measure in model.measures()]
    return [nano / NANO for nano in WeightTree(model).effective(present)]


NESTED = model_of(
    [
        group("usage", 60, measure("a", 30), group("deep", 30, measure("b", 10), measure("c", 20))),
        group("money", 40, measure("d", 10), measure("e", 30)),
    ]
)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("", [30, 10, 20, 10, 30]),
        ("c", [30, 30, 0, 10, 30]),
        ("b c", [60, 0, 0, 10, 30]),
        ("a b c", [0, 0, 0, 25, 75]),
        ("d", [30, 10, 20, 0, 40]),
        ("a b d e", [0, 0, 100, 0, 0]),
        ("a b c d e", [0, 0, 0, 0, 0]),
    ],
)
def test_a_missing_weight_goes_to_the_rest_of_its_group_x22(missing: str, expected: list[float]) -> None:
    assert weights(NESTED, missing) == expected


def test_an_excluded_weight_leaves_the_whole_score() -> None:
    model = model_of(
        [
            group("usage", 60, measure("a", 40), measure("b", 20, missing="exclude")),
            group("money", 40, measure("c", 40)),
        ]
    )
    assert weights(model, "") == [40, 20, 40]
    assert weights(model, "b") == [50, 0, 50]
    assert weights(model, "a b") == [0, 0, 100]
    assert weights(model, "a") == [0, 60, 40]


def test_equal_parts_share_alike_to_the_last_billionth() -> None:
    model = model_of([group("one", 100, measure("a"), measure("b"), measure("c"), equal=True)])
    assert WeightTree(model).nominal == (33_333_333_334, 33_333_333_333, 33_333_333_333)


@given(models(), st.data())
def test_weights_add_up_to_100_exactly_whatever_is_missing(model: HealthModel, data: st.DataObject) -> None:
    tree = WeightTree(model)
    size = len(tree.measures)
    present = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    found = tree.effective(present)
    assert sum(found) == (FULL if any(present) else 0)
    assert all(nano >= 0 for nano in found)
    assert all(nano == 0 for nano, has_value in zip(found, present, strict=True) if not has_value)


@given(models())
def test_written_weights_are_kept_to_the_digit(model: HealthModel) -> None:
    for found, one in zip(WeightTree(model).nominal, model.measures(), strict=True):
        if one.weight is not None:
            assert found == one.weight.scaleb(9)


@given(st.integers(0, FULL), st.lists(st.integers(0, 10**15), min_size=1, max_size=30))
def test_apportionment_is_exact_and_fair_to_one(whole: int, masses: list[int]) -> None:
    kind = object if sum(masses) > MOST_MASS else np.int64
    parts = apportioned(np.array([whole], dtype=kind), np.array([masses], dtype=kind).T)[:, 0].tolist()
    if not any(masses):
        assert not any(parts)
        return
    assert sum(parts) == whole
    assert all(abs(part * sum(masses) - whole * mass) < sum(masses) for part, mass in zip(parts, masses, strict=True))
    assert parts == by_largest_remainder(whole, masses)


@given(models(), st.data())
def test_many_patterns_at_once_weigh_what_each_weighs_by_plain_arithmetic(
    model: HealthModel, data: st.DataObject
) -> None:
    tree = WeightTree(model)
    size = len(tree.measures)
    pattern = st.lists(st.booleans(), min_size=size, max_size=size)
    patterns = data.draw(st.lists(pattern, min_size=1, max_size=8))
    found = tree.effective_all(np.array(patterns).T).T.tolist()
    assert found == [weighed(tree.root, FULL if any(one) else 0, one) for one in patterns]


def weighed(part: Leaf | Branch, weight: int, present: Sequence[bool]) -> list[int]:
    """The weights of a part that is given this weight, by the words of `WeightTree.effective`."""
    if isinstance(part, Leaf):
        return [weight if present[part.place] else 0]
    masses = [mass_of(inner, present) if has_any(inner, present) else 0 for inner in part.parts]
    own = by_largest_remainder(weight, masses) if any(masses) else masses
    return [found for inner, one in zip(part.parts, own, strict=True) for found in weighed(inner, one, present)]


def mass_of(part: Leaf | Branch, present: Sequence[bool]) -> int:
    if isinstance(part, Branch):
        return sum(mass_of(inner, present) for inner in part.parts)
    return 0 if part.is_excluded_when_missing and not present[part.place] else part.mass


def has_any(part: Leaf | Branch, present: Sequence[bool]) -> bool:
    if isinstance(part, Leaf):
        return present[part.place]
    return any(has_any(inner, present) for inner in part.parts)


def by_largest_remainder(whole: int, masses: Sequence[int]) -> list[int]:
    parts = [whole * mass // sum(masses) for mass in masses]
    remainders = [whole * mass % sum(masses) for mass in masses]
    for place in sorted(range(len(masses)), key=lambda place: (-remainders[place], place))[: whole - sum(parts)]:
        parts[place] += 1
    return parts


@pytest.mark.requirement("A022")
def test_the_weights_of_seed_a_add_up_at_every_level() -> None:
    model = shipped("saas").models["saas"]
    groups = {one.id: [part.weight for part in one.parts] for one in model.groups}
    assert {name: sum(filter(None, found), Decimal(0)) for name, found in groups.items()} == {
        "usage_metrics": 40,
        "engagement_signals": 30,
        "business_indicators": 20,
        "relationship_factors": 10,
    }
    assert [len(found) for found in groups.values()] == [4, 5, 4, 4]
    assert sum(WeightTree(model).nominal) == FULL


@pytest.mark.requirement("B051")
def test_the_weights_of_seed_b_add_up_and_its_sub_metrics_share_equally_x34() -> None:
    model = shipped("crypto").models["crypto"]
    assert [one.weight for one in model.groups] == [40, 25, 20, 15]
    metrics = [[part.weight for part in one.parts] for one in model.groups]
    assert metrics == [[15, 15, 10], [10, 15], [10, 10], [10, 5]]
    nominal = WeightTree(model).nominal
    assert len(nominal) == 36
    for number, weight in enumerate(weight for found in metrics for weight in found):
        assert weight is not None
        assert nominal[4 * number : 4 * number + 4] == (weight * NANO / 4,) * 4
