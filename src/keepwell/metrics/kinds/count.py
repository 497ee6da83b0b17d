"""How many times something happened in the last `days` days; 0 when it did not.

With `per: contact` the count is divided by the number of different contacts behind it, and missing when there are none.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir

from keepwell.metrics.events import Events, count, distinct, share
from keepwell.metrics.metric import Days, EventMetric, Parts


class Count(EventMetric):
    kind: Literal["count"] = "count"
    days: Days
    per: Literal["contact"] | None = None

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        seen = events.matching(self.filter()) & events.within(self.days)
        found = {"count": count(seen)}
        if self.per == "contact":
            found["contacts"] = distinct(seen, events.table.contact)
        return found

    def value(self, part: Parts) -> ir.NumericValue:
        if self.per == "contact":
            return share(part["count"], part["contacts"])
        return part["count"].cast("float64")
