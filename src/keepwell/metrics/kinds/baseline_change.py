"""The last `days` days against the account's own habit on the same weekdays of the `weeks` weeks before.

Each of the last `days` days (up to 7) is compared with the days 7, 14, 21 … days earlier, so a quiet weekend is
compared with weekends. The value is relative to the mean of those weeks: 0 is as usual, -0.5 is half. `measure`
is the `count` of the events or the `sum` of `property`. It is missing until the account's first such event is
older than the whole baseline, when the baseline holds fewer than `minimum` events, and when its mean is not above 0.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import ibis.expr.types as ir
from pydantic import Field

from keepwell.metrics.events import (
    MICROSECONDS_A_DAY,
    Events,
    count,
    oldest_age,
    relative_change,
    same_weekdays,
    sum_of,
    total,
)
from keepwell.metrics.metric import ComparedMetric, Parts


class BaselineChange(ComparedMetric):
    kind: Literal["baseline_change"] = "baseline_change"
    days: Annotated[int, Field(ge=1, le=7, strict=True)]
    weeks: Annotated[int, Field(ge=1, le=52, strict=True)] = 4
    measure: Literal["count", "sum"] = "count"

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        matching = events.matching(self.filter())
        windows = {
            "now": matching & events.within(self.days),
            "base": matching & same_weekdays(events, self.days, self.weeks),
        }
        found: dict[str, ir.Value] = {"first": oldest_age(matching, events)}
        for window, seen in windows.items():
            found[f"{window}_count"] = count(seen)
            if self.property is not None:
                found[f"{window}_total"] = total(seen, events.number(self.property))
        return found

    def value(self, part: Parts) -> ir.NumericValue:
        baseline = (7 * self.weeks + self.days) * MICROSECONDS_A_DAY
        change = relative_change(self._measured(part, "now"), self._measured(part, "base") / float(self.weeks))
        return ((part["first"] > baseline) & (part["base_count"] >= self.minimum)).ifelse(change, None)

    def _measured(self, part: Parts, window: str) -> ir.FloatingValue:
        if self.measure == "count":
            return part[f"{window}_count"].cast("float64")
        return sum_of(part[f"{window}_count"], part[f"{window}_total"])
