"""What a metric refuses, and in which words."""

from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from keepwell.base.registry import kinds
from keepwell.metrics.metric import Metric

KINDS = kinds("keepwell.metrics.kinds", Metric)
USED = {"events": ["feature_used"]}
SEATS = {"events": ["subscription_changed"], "property": "seats"}
ASKED = {"request": {"events": ["asked"]}, "response": {"events": ["replied"]}, "within_hours": 24, "days": 30}

REFUSED: list[tuple[str, Mapping[str, object], str]] = [
    ("count", {**USED, "days": 0}, "greater than 0"),
    ("count", {**USED, "days": 731}, "less than or equal to 730"),
    ("count", {**USED, "days": "30"}, "valid integer"),
    ("count", {"events": [], "days": 30}, "at least 1 item"),
    ("count", {**USED, "days": 30, "property": "amount"}, "Extra inputs are not permitted"),
    ("count", {**USED, "days": 30, "where": {"amount": {}}}, "a range needs one of 'at_least', 'above', 'below'"),
    ("count", {**USED, "days": 30, "where": {"amount": {"above": 1, "at_least": 2}}}, "a range has one end a side"),
    ("count", {**USED, "days": 30, "where": {"amount": float("nan")}}, "finite number"),
    ("count", {**USED, "days": 30, "where": {"plan": ["pro", 3]}}, "holds either texts or numbers"),
    ("sum", {**USED, "days": 30}, "Field required"),
    ("ratio", {**USED, "of": {"events": ["signed_in"]}, "days": 30}, "which do not include feature_used"),
    ("change", {**USED, "days": 7, "measure": "sum"}, "'measure: sum' needs 'property'"),
    ("change", {**USED, "days": 7, "measure": "count", "property": "amount"}, "'measure: count' does not read"),
    ("change", {**USED, "days": 7, "minimum": 0}, "greater than or equal to 1"),
    ("baseline_change", {**USED, "days": 8}, "less than or equal to 7"),
    ("baseline_change", {**USED, "days": 7, "measure": "sum"}, "'measure: sum' needs 'property'"),
    ("adoption", {**USED, "property": "feature", "days": 30}, "either 'of_plan' or 'total'"),
    (
        "adoption",
        {**USED, "property": "feature", "days": 30, "total": 3, "of_plan": SEATS},
        "either 'of_plan' or 'total'",
    ),
    ("overdue", {**USED, "days": 30, "minimum": 1}, "greater than or equal to 2"),
    ("streak", {**USED, "at_most": 101}, "less than or equal to 100"),
    ("response_rate", {**ASKED, "within_hours": 0}, "greater than or equal to 1"),
    ("response_time", {**ASKED, "average": "mode"}, "'median' or 'mean'"),
    ("last_is", {**USED, "property": "plan", "values": []}, "at least 1 item"),
    ("mix", {"of": {}}, "at least 1 item"),
    ("mix", {"of": {"logins": 0}}, "greater than 0"),
]


def metric(kind: str, fields: Mapping[str, object]) -> Metric:
    return KINDS[kind].model_validate({"kind": kind, "title": "A metric", "unit": "number", "better": "up", **fields})


@pytest.mark.parametrize(("kind", "fields", "sentence"), REFUSED)
def test_nonsense_is_refused_in_plain_words(kind: str, fields: Mapping[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        metric(kind, fields)
    assert sentence in str(refused.value)


def test_a_metric_names_the_type_that_each_property_must_have() -> None:
    found = metric(
        "share_of_limit",
        {
            "usage": {**USED, "where": {"core": True, "plan": ["pro"], "size": {"at_least": 1}}, "property": "units"},
            "limit": SEATS,
            "days": 30,
        },
    )
    assert found.properties() == {
        "core": "number",
        "plan": "text",
        "size": "number",
        "units": "number",
        "seats": "number",
    }
    assert metric("distinct", {**USED, "of": "feature", "days": 30}).properties() == {"feature": "text"}
    assert metric("distinct", {**USED, "of": "contact", "days": 30}).properties() == {}
