"""Use in the last `days` days as a share of the newest limit that was told.

`usage` counts its events, or sums its `property` where it names one; `limit` names the number property that
holds the limit. The value is above 1 when the limit is passed. It is missing when no limit above 0 was ever
told, and when use was seen but none of it carried the number.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir

from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.events import Events, count, last, share, sum_of, total
from keepwell.metrics.metric import Amount, Days, Metric, Parts, Told


class ShareOfLimit(Metric):
    kind: Literal["share_of_limit"] = "share_of_limit"
    usage: Amount
    limit: Told
    days: Days

    def reads(self) -> tuple[EventFilter, ...]:
        return (self.usage, self.limit)

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        seen = events.matching(self.usage) & events.within(self.days)
        found = {
            "count": count(seen),
            "limit": last(events.matching(self.limit), events.number(self.limit.property), events),
        }
        if self.usage.property is not None:
            found["total"] = total(seen, events.number(self.usage.property))
        return found

    def value(self, part: Parts) -> ir.NumericValue:
        used = part["count"].cast("float64")
        if self.usage.property is not None:
            used = sum_of(part["count"], part["total"])
        return (part["limit"] > 0).ifelse(share(used, part["limit"]), None)
