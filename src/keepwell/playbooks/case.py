"""Cases: one account, what happens to it, and what its playbook makes of it at which local times, as people read it.

    playbook: critical
    cases:
      - case: An answer after 30 hours stops the escalation
        starts: 2026-03-27 16:00
        zone: Europe/Berlin
        score: 15
        then: [{after: 30h, replied: true}]
        steps:
          - {at: 2026-03-27 16:00, step: ceo_mail}
        ends: {at: 2026-04-03 17:00, because: completed}

Times of day are those of the contact; `after` is elapsed time since the enrolment.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr
from pydantic_core import PydanticCustomError

from keepwell.base.periods import Period
from keepwell.base.shape import Exact, Name
from keepwell.signals.case import Names
from keepwell.signals.panel import Known
from keepwell.signals.rule import Shape

FORM = "%Y-%m-%d %H:%M"


def _wall(value: object) -> datetime:
    try:
        return datetime.strptime(value if isinstance(value, str) else "", FORM)  # noqa: DTZ007 a wall time has no zone
    except ValueError:
        sentence = f"{value!r} is not a local time such as 2026-03-27 16:00."
        raise PydanticCustomError("wall", "{sentence}", {"sentence": sentence}) from None


Wall = Annotated[datetime, BeforeValidator(_wall)]


class CaseEvent(BaseModel):
    """What stands beside its name are properties."""

    model_config = ConfigDict(extra="allow", frozen=True)

    event: StrictStr

    def properties(self) -> Mapping[str, Known]:
        found = self.model_extra or {}
        return {
            name: value for name, value in found.items() if value is None or isinstance(value, str | bool | float | int)
        }


class Happening(Shape):
    """Something new, `after` so much time; what is not written stays as it was. `events` are those that happen then.

    `falling`: whether an alert of severity critical or high is open.
    """

    after: Period
    score: Exact | None = None
    trend: StrictStr | None = None
    metrics: Mapping[Name, float | None] = Field(default={})
    events: tuple[CaseEvent, ...] = ()
    replied: StrictBool = False
    churned: StrictBool | None = None
    opted_out: StrictBool | None = None
    signal_open: StrictBool | None = None
    falling: StrictBool | None = None


class Done(Shape):
    at: Wall
    step: Name


class End(Shape):
    at: Wall
    because: Name


class PlaybookCase(Shape):
    """`zone` and `country` are the contact's, `team_zone` that of the team (without it, the contact's).

    `steps` are all the steps that decide something, in order; `skipped` are some of the others, each with the reason.
    With `asleep` nobody looks between those two times after the enrolment.
    """

    case: StrictStr
    starts: Wall
    zone: StrictStr = "UTC"
    country: StrictStr = ""
    team_zone: StrictStr = ""
    arm: StrictStr = ""
    score: Exact | None = None
    trend: StrictStr = ""
    metrics: Mapping[Name, float | None] = Field(default={})
    traits: Mapping[Name, Known] = Field(default={})
    falling: StrictBool = False
    then: tuple[Happening, ...] = ()
    asleep: tuple[Period, Period] | None = None
    steps: tuple[Done, ...] = ()
    skipped: Mapping[Name, Name] = Field(default={})
    ends: End | None = None


class PlaybookCasesFile(Shape):
    """`shows` are requirements."""

    playbook: Name
    shows: Names = ()
    cases: Annotated[tuple[PlaybookCase, ...], Field(min_length=1)]
