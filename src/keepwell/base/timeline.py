"""How soon something must be answered, as a rule says it in YAML.

`1h` is elapsed time, `{business_hours: 2}` counts opening hours, `next_business_day` is 09:00 on the next working day,
`{business_day: 2, at: "14:00"}` is a time of day on the second working day from now.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from keepwell.base.business_time import MORNING, Calendar, Deadline, after_business_hours, elapsed, next_business_day
from keepwell.base.periods import Period, format_period, parse_period
from keepwell.base.shape import Number, shown
from keepwell.base.wall_time import WallTime, format_wall_time

NEXT_BUSINESS_DAY: Final = "next_business_day"
_FORMS: Final = (
    "a period such as '1h', 'next_business_day', 'business_hours: 2' or 'business_day: 1' with 'at: \"09:00\"'"
)


class Timeline(BaseModel):
    """Exactly one of `elapsed`, `business_hours` and `business_day` is set; `at` belongs to `business_day`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    elapsed: Period | None = None
    business_hours: Annotated[Number, Field(gt=0, le=1000)] | None = None
    business_day: Annotated[int, Field(strict=True, ge=1, le=250)] | None = None
    at: WallTime | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, written: object) -> object:
        if isinstance(written, Mapping | Timeline):
            return written
        if written == NEXT_BUSINESS_DAY:
            return {"business_day": 1}
        try:
            return {"elapsed": parse_period(written if isinstance(written, str) else "")}
        except ValueError:
            raise _refused(f"{shown(written)} does not say how soon; expected {_FORMS}.") from None

    @model_validator(mode="after")
    def _one_way(self) -> "Timeline":
        ways = [self.elapsed, self.business_hours, self.business_day]
        if sum(way is not None for way in ways) != 1:
            raise _refused(f"exactly one way must say how soon; expected {_FORMS}.")
        if self.elapsed == timedelta():
            raise _refused("a time to answer must be above 0; expected a period such as '1h'.")
        if self.at is not None and self.business_day is None:
            raise _refused("'at' goes with 'business_day' only; leave it out.")
        return self

    def deadline(self, opened_at: datetime, calendar: Calendar) -> Deadline:
        """When an answer is due, with a warning if holidays on the way are not known."""
        if self.elapsed is not None:
            return elapsed(opened_at, self.elapsed)
        if self.business_hours is not None:
            return after_business_hours(opened_at, calendar, timedelta(hours=self.business_hours))
        return next_business_day(opened_at, calendar, self.at or MORNING, self.business_day or 1)

    def due_at(self, opened_at: datetime, calendar: Calendar) -> datetime:
        """When an answer is due, in UTC."""
        return self.deadline(opened_at, calendar).due_at

    def words(self) -> str:
        """'within 1h', 'within 2 business hours', 'by 09:00 on the next business day'."""
        if self.elapsed is not None:
            return f"within {format_period(self.elapsed)}"
        if self.business_hours is not None:
            return f"within {self.business_hours:g} business hour{'' if self.business_hours == 1 else 's'}"
        clock = format_wall_time(self.at or MORNING)
        if self.business_day == 1:
            return f"by {clock} on the next business day"
        return f"by {clock}, {self.business_day} business days from then"


def _refused(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("timeline", "{sentence}", {"sentence": sentence})
