"""The one language of conditions: what holds, what does not, and what nobody can say."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from keepwell.base.yaml_source import Yaml
from keepwell.signals.condition import When
from tests.unit.signals.panels import One, panel

ACME = One(Decimal(82), "thriving", "stable", {"mrr": 900.0, "seats": None}, {"country": "DE", "vip": True}, "healthy")
BOREALIS = One(Decimal("39.5"), "high_risk", "declining", {"mrr": 500.0}, {"country": "NO"}, "at_risk")
COBALT = One()
READER = TypeAdapter(When)


def when(written: Yaml) -> When:
    return READER.validate_python(written)


@pytest.mark.requirement("A140")
@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"score": {"below": 40}}, [-1, 1, 0]),
        ({"score": {"at_least": 39.5, "below": 82}}, [-1, 1, 0]),
        ({"score": {"above": 39.5}}, [1, -1, 0]),
        ({"score": {"at_most": 82, "above": 39.5}}, [1, -1, 0]),
        ({"band": "thriving"}, [1, -1, 0]),
        ({"band": ["high_risk", "at_risk"]}, [-1, 1, 0]),
        ({"band_entered": {"bands": ["thriving", "high_risk"]}}, [1, 1, 0]),
        ({"band_entered": {"bands": ["thriving", "high_risk"], "from": "above"}}, [-1, 1, 0]),
        ({"band_entered": {"bands": "thriving", "from": "below"}}, [1, -1, 0]),
        ({"band_left": {"bands": ["at_risk", "critical"]}}, [-1, 1, 0]),
        ({"band_left": {"bands": "healthy", "to": "above"}}, [1, -1, 0]),
        ({"trend": "declining"}, [-1, 1, 0]),
        ({"metric": {"mrr": {"at_least": 500}}}, [1, 1, 0]),
        ({"metric": {"mrr": {"above": 500}}}, [1, -1, 0]),
        ({"metric": {"mrr": 500}}, [-1, 1, 0]),
        ({"metric": {"seats": {"below": 5}}}, [0, 0, 0]),
        ({"trait": {"country": ["DE", "AT"]}}, [1, -1, 0]),
        ({"trait": {"vip": True}}, [1, 0, 0]),
        ({"trait": {"vip": 1}}, [-1, 0, 0]),
        ({"trait": {"country": {"at_least": 5}}}, [0, 0, 0]),
        ({"band": "thriving", "trend": "declining"}, [-1, -1, 0]),
        ({"all": [{"band": "thriving"}, {"metric": {"mrr": {"below": 1000}}}]}, [1, -1, 0]),
        ({"any": [{"band": "thriving"}, {"metric": {"mrr": {"below": 600}}}]}, [1, 1, 0]),
        ({"any": [{"band": "thriving"}, {"metric": {"seats": {"below": 5}}}]}, [1, 0, 0]),
        ({"not": {"band": "thriving"}}, [-1, 1, 0]),
        ({"not": {"trait": {"vip": True}}}, [-1, 0, 0]),
    ],
)
def test_a_rule_holds_or_not_or_hangs_on_something_missing(written: Yaml, expected: list[int]) -> None:
    assert when(written).truth(panel(ACME, BOREALIS, COBALT)).tolist() == expected


def test_who_is_back_where_he_came_from_by_his_score_has_not_entered_though_hysteresis_holds_him() -> None:
    fell = when({"band_entered": {"bands": "at_risk", "from": "above"}})
    still = One(Decimal(59), "at_risk", before="healthy", raw="at_risk")
    back = One(Decimal(61), "at_risk", before="healthy", raw="healthy")
    worse = One(Decimal(39), "at_risk", before="healthy", raw="high_risk")
    assert fell.truth(panel(still, back, worse)).tolist() == [1, -1, 1]


@pytest.mark.parametrize(
    "written", [{}, {"bnad": "x"}, {"trend": "up"}, {"score": {}}, {"all": 5}, {"all": []}, {"metric": {}}, 5, None]
)
def test_a_rule_that_says_nothing_is_refused(written: Yaml) -> None:
    with pytest.raises(ValidationError):
        when(written)


@st.composite
def rules(draw: st.DrawFn, depth: int = 0) -> dict[str, Yaml]:
    kind = draw(st.sampled_from(["score", "metric"] if depth > 2 else ["score", "metric", "all", "any", "not"]))
    if kind == "not":
        return {"not": draw(rules(depth + 1))}
    if kind in ("all", "any"):
        return {kind: [draw(rules(depth + 1)) for _ in range(draw(st.integers(1, 3)))]}
    limit: dict[str, Yaml] = {
        draw(st.sampled_from(["at_least", "above", "at_most", "below"])): draw(st.integers(0, 100))
    }
    return {"score": limit} if kind == "score" else {"metric": {"mrr": limit}}


@given(rules(), st.integers(0, 100))
def test_what_is_certain_stays_so_whatever_the_missing_value_turns_out_to_be(
    written: dict[str, Yaml], mrr: int
) -> None:
    found = when(written)
    unsure = found.truth(panel(One(Decimal(50))))[0]
    sure = found.truth(panel(One(Decimal(50), metrics={"mrr": float(mrr)})))[0]
    assert sure != 0
    assert unsure in (0, sure)
