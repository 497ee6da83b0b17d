"""When a step is due, counted from the enrolment and never from the step before.

`0m`, `4h` and `3d` are elapsed time. `2 business hours` counts opening hours. `1 business day at 14:00` is a time of
day on the first working day after the enrolment; `next_business_day` is 09:00 on it. `day 3 at 09:00` is a time of day
three calendar days after the day of the enrolment, which is day 0; `day 3` is the same time of day as the enrolment's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from keepwell.base.business_time import MORNING, Calendar, after_business_hours, elapsed, next_business_day
from keepwell.base.periods import parse_period
from keepwell.base.shape import shown
from keepwell.base.timeline import NEXT_BUSINESS_DAY
from keepwell.base.wall_time import instant_of, local_time, parse_wall_time

Unit = Literal["elapsed", "business_hours", "business_days", "days"]

FORMS: Final = "'4h', '2 business hours', 'next_business_day', '1 business day at 14:00' or 'day 3 at 09:00'"
_COUNTED: Final[Sequence[tuple[Unit, re.Pattern[str]]]] = (
    ("business_hours", re.compile(r"([1-9][0-9]{0,2}) business hours?()")),
    ("business_days", re.compile(r"([1-9][0-9]{0,2}) business days?(?: at (\S+))?")),
    ("days", re.compile(r"day (0|[1-9][0-9]{0,2})(?: at (\S+))?")),
)


@dataclass(frozen=True, slots=True)
class Offset:
    """`length` belongs to elapsed time, `count` to the other units, `at` to days; `words` is what was written."""

    words: str = field(compare=False)
    unit: Unit
    length: timedelta = timedelta(0)
    count: int = 0
    at: time | None = None

    def due_at(self, started_at: datetime, calendar: Calendar) -> datetime:
        """The instant in UTC, never before the enrolment."""
        if self.unit == "elapsed":
            return elapsed(started_at, self.length).due_at
        if self.unit == "business_hours":
            return after_business_hours(started_at, calendar, timedelta(hours=self.count)).due_at
        if self.unit == "business_days":
            return next_business_day(started_at, calendar, self.at or MORNING, self.count).due_at
        wall = local_time(started_at, calendar.place)
        day = wall.date() + timedelta(days=self.count)
        due_at = instant_of(datetime.combine(day, wall.time() if self.at is None else self.at), calendar.place)
        return max(due_at, elapsed(started_at, timedelta(0)).due_at)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.plain_serializer_function_ser_schema(lambda one: one.words)
        )

    @classmethod
    def _validate(cls, value: object) -> "Offset":
        if isinstance(value, cls):
            return value
        try:
            return read_offset(value if isinstance(value, str) else "")
        except ValueError:
            sentence = f"{shown(value)} does not say when; expected a form such as {FORMS}."
            raise PydanticCustomError("offset", "{sentence}", {"sentence": sentence}) from None


def read_offset(text: str) -> Offset:
    """The offset of a text; a ValueError where it is none."""
    if text == NEXT_BUSINESS_DAY:
        return Offset(text, "business_days", count=1)
    for unit, form in _COUNTED:
        match = form.fullmatch(text)
        if match is not None:
            at = parse_wall_time(match.group(2)) if match.group(2) else None
            return Offset(text, unit, count=int(match.group(1)), at=at)
    return Offset(text, "elapsed", length=parse_period(text))
