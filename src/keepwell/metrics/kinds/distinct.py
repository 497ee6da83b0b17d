"""How many different contacts, or different values of a text property, took part in the last `days` days.

`of: contact` counts contacts; any other word is the text property to count. Events without a contact,
or without the property, are not counted. An account that had no such event has 0.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir
from pydantic import StrictStr

from keepwell.metrics.event_filter import PropertyType
from keepwell.metrics.events import Events, distinct
from keepwell.metrics.metric import Days, EventMetric, Parts, item_property


class Distinct(EventMetric):
    kind: Literal["distinct"] = "distinct"
    of: StrictStr
    days: Days

    def properties(self) -> dict[str, PropertyType]:
        return {**super().properties(), **item_property(self.of)}

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        seen = events.matching(self.filter()) & events.within(self.days)
        return {"distinct": distinct(seen, events.item(self.of))}

    def value(self, part: Parts) -> ir.NumericValue:
        return part["distinct"].cast("float64")
