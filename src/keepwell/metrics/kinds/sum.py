"""The sum of a number property over the events of the last `days` days.

It is 0 when no such event happened, and missing when such events happened but none of them carried the
number. With `per: contact` the sum is divided by the number of different contacts behind the events, and
missing when there are none. Sums are exact to nine decimals; a number beyond a quintillion counts as not told.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir
from pydantic import StrictStr

from keepwell.metrics.event_filter import PropertyType
from keepwell.metrics.events import Events, count, distinct, share, sum_of, total
from keepwell.metrics.metric import Days, EventMetric, Parts


class Sum(EventMetric):
    kind: Literal["sum"] = "sum"
    property: StrictStr
    days: Days
    per: Literal["contact"] | None = None

    def properties(self) -> dict[str, PropertyType]:
        return {**super().properties(), self.property: "number"}

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        seen = events.matching(self.filter()) & events.within(self.days)
        found = {"count": count(seen), "total": total(seen, events.number(self.property))}
        if self.per == "contact":
            found["contacts"] = distinct(seen, events.table.contact)
        return found

    def value(self, part: Parts) -> ir.NumericValue:
        if self.per == "contact":
            return share(part["total"], part["contacts"])
        return sum_of(part["count"], part["total"])
