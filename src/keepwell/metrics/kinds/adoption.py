"""How much of what the account may use it did use in the last `days` days, from 0 to 1.

The different values of the text property `property` (`contact` for contacts), over the number in the account's
plan: the newest number that `of_plan` told, or the same `total` for everybody. More than the plan counts as 1.
`where: {advanced: true}` with the number of advanced ones gives advanced adoption. It is missing when no number
above 0 was told for the plan.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import ibis.expr.types as ir
from pydantic import Field, StrictStr, model_validator

from keepwell.metrics.event_filter import EventFilter, PropertyType
from keepwell.metrics.events import Events, distinct, last, share
from keepwell.metrics.metric import Days, EventMetric, Parts, Told, item_property


class Adoption(EventMetric):
    kind: Literal["adoption"] = "adoption"
    property: StrictStr
    days: Days
    of_plan: Told | None = None
    total: Annotated[int, Field(ge=1, strict=True)] | None = None

    @model_validator(mode="after")
    def _has_one_whole(self) -> "Adoption":
        if (self.of_plan is None) == (self.total is None):
            raise ValueError("adoption needs either 'of_plan' or 'total'")
        return self

    def reads(self) -> tuple[EventFilter, ...]:
        return (self.filter(),) if self.of_plan is None else (self.filter(), self.of_plan)

    def properties(self) -> dict[str, PropertyType]:
        return {**super().properties(), **item_property(self.property)}

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        seen = events.matching(self.filter()) & events.within(self.days)
        found = {"used": distinct(seen, events.item(self.property))}
        if self.of_plan is not None:
            found["plan"] = last(events.matching(self.of_plan), events.number(self.of_plan.property), events)
        return found

    def value(self, part: Parts) -> ir.NumericValue:
        if self.total is not None:
            adopted = part["used"].cast("float64") / float(self.total)
            return (adopted > 1.0).ifelse(1.0, adopted)
        adopted = share(part["used"], part["plan"])
        return (part["plan"] > 0).ifelse((adopted > 1.0).ifelse(1.0, adopted), None)
