"""How soon a rule wants an answer: every form that YAML may write, what it means, and what anything else is told."""

from datetime import UTC, datetime

import pytest
from pydantic import BaseModel, ConfigDict

from keepwell.base.business_time import Calendar
from keepwell.base.shape import read_shape
from keepwell.base.timeline import Timeline
from keepwell.base.yaml_source import read_yaml

BERLIN = Calendar(zone="Europe/Berlin", country="DE-BE")
FRIDAY = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    respond: Timeline


def read(text: str) -> tuple[Rule | None, list[str]]:
    rule, problems, _ = read_shape(Rule, read_yaml("rule.yaml", text))
    return rule, [str(problem) for problem in problems]


@pytest.mark.requirement("A038")
@pytest.mark.parametrize(
    ("written", "expected", "words"),
    [
        ("1h", "2026-11-27 16:30", "within 1h"),
        ("2d", "2026-11-29 15:30", "within 2d"),
        ("{business_hours: 2}", "2026-11-30 09:30", "within 2 business hours"),
        ("{business_hours: 0.5}", "2026-11-27 16:00", "within 0.5 business hours"),
        ("{business_hours: 1}", "2026-11-30 08:30", "within 1 business hour"),
        ("next_business_day", "2026-11-30 08:00", "by 09:00 on the next business day"),
        ('{business_day: 1, at: "16:00"}', "2026-11-30 15:00", "by 16:00 on the next business day"),
        ("{business_day: 3}", "2026-12-02 08:00", "by 09:00, 3 business days from then"),
    ],
)
def test_every_form_has_a_due_time(written: str, expected: str, words: str) -> None:
    rule, problems = read(f"respond: {written}\n")
    assert problems == []
    assert rule is not None
    assert rule.respond.due_at(FRIDAY, BERLIN) == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert rule.respond.words() == words
    assert Rule.model_validate(rule.model_dump(exclude_none=True)) == rule


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("1 hour", "'1 hour' does not say how soon; expected a period such as '1h', 'next_business_day'"),
        ("next_buisness_day", "'next_buisness_day' does not say how soon"),
        ("5", "5 does not say how soon"),
        ("0h", "a time to answer must be above 0; expected a period such as '1h'."),
        ("{}", "exactly one way must say how soon"),
        ("{business_hours: 2, business_day: 1}", "exactly one way must say how soon"),
        ('{business_hours: 2, at: "09:00"}', "'at' goes with 'business_day' only; leave it out."),
        ("{business_hours: 0}", "'business_hours' must be above 0"),
        ("{business_hours: two}", "'business_hours' must be a number, not 'two'."),
        ("{business_day: 1.5}", "'business_day' must be a whole number, not 1.5."),
        ("{business_day: 0}", "'business_day' must be at least 1, not 0."),
        ("{business_day: 1, at: 9am}", "'9am' is not a time of day from '00:00' to '23:59', such as '09:00'."),
        ('{business_day: 1, at: "24:00"}', "'24:00' is not a time of day"),
        ("{busines_day: 1}", "unknown key 'busines_day'. Did you mean 'business_day'?"),
    ],
)
def test_anything_else_is_told_what_was_expected_and_where(written: str, sentence: str) -> None:
    rule, problems = read(f"respond: {written}\n")
    assert rule is None
    assert [problem for problem in problems if problem.startswith("rule.yaml:1: ") and sentence in problem]


def test_a_due_time_over_unknown_holidays_carries_a_warning() -> None:
    told = Timeline.model_validate("next_business_day").deadline(
        datetime(2027, 3, 1, 9, tzinfo=UTC), Calendar(country="LK")
    )
    assert "not for 2027" in told.warning
    assert Timeline.model_validate("1h").deadline(FRIDAY, Calendar(country="LK")).warning == ""
