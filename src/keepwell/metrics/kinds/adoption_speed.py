"""How many things the account used for the first time ever in the last `days` days.

Things are the different values of the text property `property` (`contact` for contacts). One that was used before the
window is not new, however long ago; so a log that was imported without its past makes everything look new. An account
that tried nothing new has 0.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir
from pydantic import StrictStr

from keepwell.metrics.event_filter import PropertyType
from keepwell.metrics.events import Events, count
from keepwell.metrics.metric import Days, EventMetric, Parts, Side, item_property


class AdoptionSpeed(EventMetric):
    kind: Literal["adoption_speed"] = "adoption_speed"
    property: StrictStr
    days: Days

    def properties(self) -> dict[str, PropertyType]:
        return {**super().properties(), **item_property(self.property)}

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        return {}

    def side(self, events: Events) -> Side:
        items = events.per_item(events.matching(self.filter()), self.property)
        return Side(items, {"new": count(items.first_day < self.days)})

    def value(self, part: Parts) -> ir.NumericValue:
        return part["new"].fill_null(0).cast("float64")
