"""The health score is at most `points` above that of the enrolment, and the account is in no better band than then.

`no_improvement: true` asks for 5 points, `no_improvement: {points: 2}` for others. It cannot be said where no score is
known, now or at the enrolment.
"""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from keepwell.base.shape import Exact
from keepwell.health.score import nano
from keepwell.playbooks.enrolment import Enrolment
from keepwell.playbooks.facts import ROW, Facts
from keepwell.playbooks.only import Gate
from keepwell.signals.truth import NO, UNKNOWN, YES


class NoImprovement(Gate, BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[Literal["no_improvement"]] = "no_improvement"
    points: Annotated[Exact, Field(ge=0, le=100, allow_inf_nan=False, max_digits=12, decimal_places=9)] = Decimal(5)

    @model_validator(mode="before")
    @classmethod
    def _from_true(cls, written: object) -> object:
        return {} if written is True else written

    def truth(self, enrolment: Enrolment, facts: Facts) -> int:
        panel, before = facts.panel, enrolment.nano_points_at_start
        if before is None or not panel.has_score[ROW]:
            return UNKNOWN
        if int(panel.nano_points[ROW]) > before + nano(self.points):
            return NO
        held = panel.places([enrolment.band_at_start])
        return NO if held and int(panel.band[ROW]) > held[0] else YES
