"""The mean of a number property over the events of the last `days` days that carry it.

It is missing when none does: no rating is not a rating of 0.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir
from pydantic import StrictStr

from keepwell.metrics.event_filter import PropertyType
from keepwell.metrics.events import Events, count, share, told, total
from keepwell.metrics.metric import Days, EventMetric, Parts


class Mean(EventMetric):
    kind: Literal["mean"] = "mean"
    property: StrictStr
    days: Days

    def properties(self) -> dict[str, PropertyType]:
        return {**super().properties(), self.property: "number"}

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        seen = events.matching(self.filter()) & events.within(self.days)
        number = events.number(self.property)
        return {"total": total(seen, number), "told": count(told(seen, number))}

    def value(self, part: Parts) -> ir.NumericValue:
        return share(part["total"], part["told"])
