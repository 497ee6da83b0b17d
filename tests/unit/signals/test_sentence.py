"""Evidence in words: a value with its unit, beside the limit in the same unit."""

import pytest

from keepwell.signals.condition import Line
from keepwell.signals.sentence import evidence_sentence, limit_words, value_words

UNITS = {"plan_use": "share", "mrr": "money", "trend": "percent_change"}


@pytest.mark.parametrize(
    ("line", "value", "limit"),
    [
        (Line("Use", 0.871, "share", "at least 0.8"), "87 %", "at least 80 %"),
        (Line("Use", 0.871, "metric:plan_use", "at least 0.8 and below 0.95"), "87 %", "at least 80 % and below 95 %"),
        (Line("Logins", -0.615, "percent_change", "at most -0.5"), "−62 %", "at most −50 %"),
        (Line("MRR", 500.0, "metric:mrr", "at least 500"), "500", "at least 500"),
        (Line("Odd", 3.0, "metric:gone", "above 2"), "3", "above 2"),
        (Line("Without signed in", 3.02, "days", "for 72h or more"), "3 days", "for 72h or more"),
        (Line("Since the last payment failed", 0.01, "days", "within 7d"), "14 min", "within 7d"),
        (Line("Health score", 40.0, "points", "25 points or more below it"), "40 points", "25 points or more below it"),
        (Line("Band", "high_risk", "", "high_risk or critical"), "high risk", "high risk or critical"),
        (Line("Open tickets", None, "count", ""), "no data", ""),
    ],
)
def test_a_value_and_its_limit_are_told_in_one_unit(line: Line, value: str, limit: str) -> None:
    assert value_words(line, UNITS).replace("\u202f", " ") == value
    assert limit_words(line, UNITS).replace("\u202f", " ") == limit


def test_a_sentence_holds_every_number_in_order() -> None:
    lines = [Line("Open tickets", 7.0, "count", "at least 5"), Line("Health score", 40.0, "points", "")]
    assert evidence_sentence(lines, {}) == "Open tickets: 7 (at least 5); Health score: 40\u202fpoints"
    assert evidence_sentence([], {}) == ""
