"""Segments: accounts by band and by rule, never because something is missing."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from keepwell.base.yaml_source import Yaml
from keepwell.health.segment import Rule, Segment, Standing, by_band, holds, members

ACME = Standing(Decimal(82), "thriving", "stable", {"mrr": 900.0, "seats": None}, {"country": "DE", "vip": True})
BOREALIS = Standing(Decimal("39.5"), "high_risk", "declining", {"mrr": 500.0}, {"country": "NO"})
COBALT = Standing()


def rule(**written: Yaml) -> Rule:
    return Rule.model_validate(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"score": {"below": 40}}, [False, True, None]),
        ({"score": {"at_least": 39.5, "below": 82}}, [False, True, None]),
        ({"band": "thriving"}, [True, False, None]),
        ({"band": ["high_risk", "at_risk"]}, [False, True, None]),
        ({"trend": "declining"}, [False, True, None]),
        ({"metric": {"mrr": {"at_least": 500}}}, [True, True, None]),
        ({"metric": {"seats": {"below": 5}}}, [None, None, None]),
        ({"trait": {"country": ["DE", "AT"]}}, [True, False, None]),
        ({"trait": {"vip": True}}, [True, None, None]),
        ({"trait": {"vip": 1}}, [False, None, None]),
        ({"trait": {"country": {"at_least": 5}}}, [None, None, None]),
        ({"band": "thriving", "trend": "declining"}, [False, False, None]),
        ({"all": [{"band": "thriving"}, {"metric": {"mrr": {"below": 1000}}}]}, [True, False, None]),
        ({"any": [{"band": "thriving"}, {"metric": {"mrr": {"below": 600}}}]}, [True, True, None]),
        ({"any": [{"band": "thriving"}, {"metric": {"seats": {"below": 5}}}]}, [True, None, None]),
        ({"not": {"band": "thriving"}}, [False, True, None]),
        ({"not": {"trait": {"vip": True}}}, [False, None, None]),
    ],
)
def test_a_rule_holds_or_not_or_hangs_on_something_missing(
    written: dict[str, Yaml], expected: list[bool | None]
) -> None:
    assert [holds(rule(**written), one) for one in (ACME, BOREALIS, COBALT)] == expected


def test_members_are_those_a_rule_certainly_holds_for() -> None:
    segment = Segment.model_validate({"id": "s", "title": "S", "when": {"not": {"band": "critical"}}})
    assert members(segment, {1: ACME, 2: BOREALIS, 3: COBALT}) == (1, 2)


def test_accounts_by_band() -> None:
    assert by_band({1: ACME, 2: BOREALIS, 3: COBALT, 4: ACME}) == {"thriving": (1, 4), "high_risk": (2,), None: (3,)}


@pytest.mark.parametrize("written", [{}, {"bnad": "x"}, {"trend": "up"}, {"score": {}}, {"all": 5}])
def test_a_rule_that_says_nothing_is_refused(written: dict[str, Yaml]) -> None:
    with pytest.raises(ValidationError):
        rule(**written)


@st.composite
def rules(draw: st.DrawFn, depth: int = 0) -> dict[str, Yaml]:
    kind = draw(st.sampled_from(["score", "metric"] if depth > 2 else ["score", "metric", "all", "any", "not"]))
    if kind == "not":
        return {"not": draw(rules(depth + 1))}
    if kind in ("all", "any"):
        return {kind: [draw(rules(depth + 1)) for _ in range(draw(st.integers(1, 3)))]}
    limit: dict[str, Yaml] = {draw(st.sampled_from(["at_least", "below"])): draw(st.integers(0, 100))}
    return {"score": limit} if kind == "score" else {"metric": {"mrr": limit}}


@given(rules(), st.integers(0, 100))
def test_what_is_certain_stays_so_whatever_the_missing_value_turns_out_to_be(
    written: dict[str, Yaml], mrr: int
) -> None:
    found = Rule.model_validate(written)
    unsure = holds(found, Standing(Decimal(50)))
    assert unsure is None or holds(found, Standing(Decimal(50), metrics={"mrr": float(mrr)})) is unsure
