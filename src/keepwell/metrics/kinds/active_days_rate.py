"""The share of the last `days` days on which at least one of the events happened.

A day is a 24-hour block counted back from the moment of scoring, so every window is whole.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir

from keepwell.metrics.events import Events, day_masks, days_in
from keepwell.metrics.metric import Days, EventMetric, Parts


class ActiveDaysRate(EventMetric):
    kind: Literal["active_days_rate"] = "active_days_rate"
    days: Days

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        masks = day_masks(events.matching(self.filter()), events, self.days)
        return {f"mask_{number:02}": mask for number, mask in enumerate(masks)}

    def value(self, part: Parts) -> ir.NumericValue:
        return days_in([part[name] for name in sorted(part)]).cast("float64") / float(self.days)
