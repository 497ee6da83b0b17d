"""Lengths of time as people write them: `30m`, `24h`, `30d`, `2w`.

A day is 24 hours and a week is seven of them; months and years are not lengths.
"""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer
from pydantic_core import PydanticCustomError

UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
LONGEST = timedelta(days=36_525)

_FORM = re.compile(r"([0-9]{1,9})([mhdw])")


def parse_period(text: str) -> timedelta:
    """A whole number and one unit; a ValueError says what was expected. Nothing is longer than a hundred years."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(_expected(text))
    number, unit = int(match.group(1)), UNITS[match.group(2)]
    if number > LONGEST // unit:
        raise ValueError(f"the period {text!r} is longer than 100 years.")
    return number * unit


def format_period(period: timedelta) -> str:
    """The form `parse_period` reads, in the largest unit that divides it; zero is `0d`."""
    for letter in ("d", "h", "m"):
        if period >= timedelta() and period % UNITS[letter] == timedelta():
            return f"{period // UNITS[letter]}{letter}"
    raise ValueError(f"{period} is not a whole number of minutes from zero up.")


def _expected(value: object) -> str:
    hint = f" Write '{value}d' for days." if isinstance(value, int) or str(value).isdigit() else ""
    return f"{value!r} is not a period; expected a whole number and m, h, d or w, such as '24h' or '30d'.{hint}"


def _validate(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    try:
        if not isinstance(value, str):
            raise ValueError(_expected(value))
        return parse_period(value)
    except ValueError as error:
        raise PydanticCustomError("period", "{sentence}", {"sentence": str(error)}) from None


Period = Annotated[timedelta, BeforeValidator(_validate, json_schema_input_type=str), PlainSerializer(format_period)]
