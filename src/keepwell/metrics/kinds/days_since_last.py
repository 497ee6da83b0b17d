"""Days since the newest such event, with the part of the day as a fraction: 36 hours are 1.5.

It is missing for an account where it never happened.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir

from keepwell.metrics.events import Events, days, newest_age
from keepwell.metrics.metric import EventMetric, Parts


class DaysSinceLast(EventMetric):
    kind: Literal["days_since_last"] = "days_since_last"

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        return {"newest": newest_age(events.matching(self.filter()), events)}

    def value(self, part: Parts) -> ir.NumericValue:
        return days(part["newest"])
