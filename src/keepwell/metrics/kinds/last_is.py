"""1 when the newest value of a text property is one of `values`, else 0, however long ago it was told.

Whether the plan is a paid one, or a review of compliance was passed. It is missing when the property was never told.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import ibis.expr.types as ir
from pydantic import Field, StrictStr

from keepwell.metrics.event_filter import PropertyType
from keepwell.metrics.events import Events, last
from keepwell.metrics.metric import EventMetric, Parts


class LastIs(EventMetric):
    kind: Literal["last_is"] = "last_is"
    property: StrictStr
    values: Annotated[tuple[StrictStr, ...], Field(min_length=1)]

    def properties(self) -> dict[str, PropertyType]:
        return {**super().properties(), self.property: "text"}

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        return {"last": last(events.matching(self.filter()), events.text(self.property), events)}

    def value(self, part: Parts) -> ir.NumericValue:
        held = part["last"].isin(sorted(self.values)).ifelse(1, 0).cast("float64")
        return part["last"].notnull().ifelse(held, None)
