"""Cases: what is known of one account and what the rules of a package must make of it, as people read it.

    about: [critical_health_drop]
    shows: [A035]
    cases:
      - case: Just below 20
        was: high_risk
        score: 19.999
        holds: critical_health_drop

A case may look several times (`looks`), each time with what opens and closes then. Times are told as `ago`, before the
last look.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr
from pydantic_core import PydanticCustomError

from keepwell.base.periods import parse_period
from keepwell.base.shape import Exact, Name
from keepwell.signals.panel import Known
from keepwell.signals.rule import Shape

# Monday noon: three days back lie two days of a weekend.
AS_OF: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
_AGO: Final = re.compile(r"(?:(\d{1,5})d)?(?:(?:^| )(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{6}))?)?)?")


def _ago(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    try:
        return parse_period(value if isinstance(value, str) else "")
    except ValueError:
        found = _AGO.fullmatch(value) if isinstance(value, str) and value else None
    if found is None:
        sentence = f"'ago' says how long before the last look, such as '3d' or '2d 23:59:59.999999', not {value!r}."
        raise PydanticCustomError("ago", "{sentence}", {"sentence": sentence})
    days, hours, minutes, seconds, micros = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=micros)


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Ago = Annotated[timedelta, BeforeValidator(_ago)]
Names = Annotated[tuple[StrictStr, ...], BeforeValidator(_as_tuple)]


class CaseEvent(BaseModel):
    """`times` such events at once; what stands beside its own keys are properties."""

    model_config = ConfigDict(extra="allow", frozen=True)

    event: StrictStr
    ago: Ago
    times: Annotated[int, Field(ge=1, le=10_000, strict=True)] = 1
    contact: StrictStr | None = None

    def properties(self) -> Mapping[str, object]:
        return dict(self.model_extra or {})


class CaseLook(Shape):
    """`metrics` take the place of what the events say. `source_told` is how long ago the account's source last told.

    `opens` and `closes` name all the signals of `about` that do so in this look.
    """

    ago: Ago = timedelta(0)
    score: Exact | None = None
    trend: StrictStr = ""
    metrics: Mapping[str, float | None] = Field(default={})
    source_told: Ago = timedelta(0)
    quiet: StrictBool = False
    holds: Names = ()
    fails: Names = ()
    unsure: Names = ()
    opens: Names = ()
    closes: Names = ()


class CaseStanding(Shape):
    plan: StrictStr = ""
    seats: int | None = None
    mrr: Decimal | None = None
    currency: StrictStr = ""


class Case(CaseLook):
    """`was` is the band that the account was held in before; `worth` is said as '30 USD per month, 360 a year'."""

    case: StrictStr
    was: StrictStr = ""
    events: tuple[CaseEvent, ...] = ()
    traits: Mapping[str, Known] = Field(default={})
    account: CaseStanding = CaseStanding()
    worth: Mapping[Name, StrictStr] = Field(default={})
    looks: tuple[CaseLook, ...] = ()

    def all_looks(self) -> Sequence[CaseLook]:
        return self.looks or (self,)


class CasesFile(Shape):
    """`about` are the signals whose opening and closing every case tells of; `shows` are requirements."""

    about: Annotated[Names, Field(min_length=1)]
    shows: Names = ()
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]


def moments(cases: Iterable[Case]) -> list[datetime]:
    """When somebody looks, in order."""
    return sorted({AS_OF - look.ago for case in cases for look in case.all_looks()})


def events_of(cases: Iterable[Case]) -> Iterator[tuple[int, CaseEvent]]:
    """Every event with the number of its case, from 1."""
    for number, case in enumerate(cases, 1):
        for event in case.events:
            yield from ((number, event) for _ in range(event.times))
