"""The last `days` days against the `days` days before them.

`measure` says what is compared: `count` of the events, or `sum` or `mean` of `property`. The value is
relative: 0 is no change, -0.5 is half, 1 is double; it needs a base above 0. With `by: difference` it is
the plain difference, for numbers that may be 0 or below, such as a sentiment. It is missing when fewer than
`minimum` events happened in the base window, or when a sum or mean has no number to work on.
"""

from collections.abc import Mapping
from typing import Literal

import ibis
import ibis.expr.types as ir

from keepwell.metrics.events import Events, count, relative_change, share, sum_of, told, total
from keepwell.metrics.metric import ComparedMetric, Days, Parts


class Change(ComparedMetric):
    kind: Literal["change"] = "change"
    days: Days
    measure: Literal["count", "sum", "mean"] = "count"
    by: Literal["relative", "difference"] = "relative"

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        matching = events.matching(self.filter())
        found: dict[str, ir.Value] = {}
        for window, ended in (("now", 0), ("base", self.days)):
            seen = matching & events.within(self.days, ended=ended)
            found[f"{window}_count"] = count(seen)
            if self.property is not None:
                found[f"{window}_total"] = total(seen, events.number(self.property))
            if self.property is not None and self.measure == "mean":
                found[f"{window}_told"] = count(told(seen, events.number(self.property)))
        return found

    def value(self, part: Parts) -> ir.NumericValue:
        now, base = self._measured(part, "now"), self._measured(part, "base")
        # The difference of two sums is taken before it is rounded to a double.
        change = (now - base).cast("float64") if self.by == "difference" else relative_change(now, base)
        return (part["base_count"] >= self.minimum).ifelse(change, None)

    def _measured(self, part: Parts, window: str) -> ir.NumericValue:
        if self.measure == "count":
            return part[f"{window}_count"].cast("float64")
        if self.measure == "sum" and self.by == "difference":
            return (part[f"{window}_count"] == 0).ifelse(
                ibis.literal(0).cast("decimal(38, 9)"), part[f"{window}_total"]
            )
        if self.measure == "sum":
            return sum_of(part[f"{window}_count"], part[f"{window}_total"])
        return share(part[f"{window}_total"], part[f"{window}_told"])
