"""Days until the newest told time, such as a renewal; below 0 once it has passed.

`property` is a time property. It is missing when it was never told.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir
from pydantic import StrictStr

from keepwell.metrics.event_filter import PropertyType
from keepwell.metrics.events import Events, last
from keepwell.metrics.metric import EventMetric, Parts


class DaysUntil(EventMetric):
    kind: Literal["days_until"] = "days_until"
    property: StrictStr

    def properties(self) -> dict[str, PropertyType]:
        return {**super().properties(), self.property: "number"}

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        # Times are stored as seconds since 1970; the newest is told before the moment of scoring, not at it.
        ahead = events.number(self.property) - events.seconds()
        return {"ahead": last(events.matching(self.filter()), ahead, events)}

    def value(self, part: Parts) -> ir.NumericValue:
        return part["ahead"].cast("float64") / 86_400.0
