"""How often each thing that was used was used, on average, in the last `days` days.

The events that carry the text property `property` (`contact` for contacts), divided by its different values. It is
missing when nothing was used.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir
from pydantic import StrictStr

from keepwell.metrics.event_filter import PropertyType
from keepwell.metrics.events import Events, count, distinct, share
from keepwell.metrics.metric import Days, EventMetric, Parts, item_property


class Depth(EventMetric):
    kind: Literal["depth"] = "depth"
    property: StrictStr
    days: Days

    def properties(self) -> dict[str, PropertyType]:
        return {**super().properties(), **item_property(self.property)}

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        item = events.item(self.property)
        seen = events.matching(self.filter()) & events.within(self.days) & item.notnull()
        return {"uses": count(seen), "things": distinct(seen, item)}

    def value(self, part: Parts) -> ir.NumericValue:
        return share(part["uses"], part["things"])
