"""The newest value of a number property, such as seats or MRR, however long ago it was told."""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir
from pydantic import StrictStr

from keepwell.metrics.event_filter import PropertyType
from keepwell.metrics.events import Events, last
from keepwell.metrics.metric import EventMetric, Parts


class LastValue(EventMetric):
    kind: Literal["last_value"] = "last_value"
    property: StrictStr

    def properties(self) -> dict[str, PropertyType]:
        return {**super().properties(), self.property: "number"}

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        return {"last": last(events.matching(self.filter()), events.number(self.property), events)}

    def value(self, part: Parts) -> ir.NumericValue:
        return part["last"].cast("float64")
