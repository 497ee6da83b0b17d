"""Periods are read and written exactly, and nonsense is answered with what was expected."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from keepwell.base.periods import LONGEST, UNITS, Period, format_period, parse_period

PERIOD: TypeAdapter[timedelta] = TypeAdapter(Period)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(days=14)),
        ("0h", timedelta()),
    ],
)
def test_a_period_is_a_number_and_a_unit(text: str, period: timedelta) -> None:
    assert parse_period(text) == period
    assert PERIOD.validate_python(text) == period


@pytest.mark.parametrize(
    "text", ["", "d", "30", "30 d", "-1d", "1.5h", "1h30m", "30D", "3y", "٣d", "30d\n", "9" * 5000 + "d"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a period; expected a whole number and m, h, d or w"):
        parse_period(text)


@pytest.mark.parametrize("value", [30, 3.5, True, None, ["30d"]])
def test_a_value_without_unit_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="is not a period"):
        PERIOD.validate_python(value)


def test_a_bare_number_is_answered_with_the_form_it_needs() -> None:
    with pytest.raises(ValidationError, match="Write '30d' for days"):
        PERIOD.validate_python(30)


def test_a_period_has_an_end() -> None:
    assert parse_period("36525d") == LONGEST
    for text in ("36526d", "999999999w"):
        with pytest.raises(ValueError, match="longer than 100 years"):
            parse_period(text)


@given(st.integers(0, 36_525 // 7), st.sampled_from(sorted(UNITS)))
def test_what_is_written_is_read_back(number: int, unit: str) -> None:
    period = parse_period(f"{number}{unit}")
    assert period == number * UNITS[unit]
    assert parse_period(format_period(period)) == period
    assert PERIOD.dump_python(period) == format_period(period)


@pytest.mark.parametrize("period", [timedelta(seconds=1), timedelta(days=-1)])
def test_only_whole_minutes_from_zero_up_can_be_written(period: timedelta) -> None:
    with pytest.raises(ValueError, match="not a whole number of minutes"):
        format_period(period)
