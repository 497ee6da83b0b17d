"""How many days, or weeks, in a row had such an event, up to now.

A day is a 24-hour block and a week is seven of them, counted back from the moment of scoring. A run that ends in the
second newest block still counts, because the newest may just have begun for this account. It is 0 when neither has
one, and never more than `at_most`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import ibis.expr.types as ir
from pydantic import Field

from keepwell.metrics.events import Events, day_masks, run_from
from keepwell.metrics.metric import EventMetric, Parts


class Streak(EventMetric):
    kind: Literal["streak"] = "streak"
    per: Literal["day", "week"] = "day"
    at_most: Annotated[int, Field(ge=2, le=100, strict=True)] = 60

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        unit = 7 if self.per == "week" else 1
        # One block more than the longest run, which may begin in the second newest block.
        masks = day_masks(events.matching(self.filter()), events, (self.at_most + 1) * unit, unit_days=unit)
        return {f"mask_{number:02}": mask for number, mask in enumerate(masks)}

    def value(self, part: Parts) -> ir.NumericValue:
        masks = [part[name].fill_null(0) for name in sorted(part)]
        begun = (masks[0] % 2 == 1).ifelse(run_from(masks, 0), run_from(masks, 1))
        return (begun > self.at_most).ifelse(self.at_most, begun).cast("float64")
