"""How long the account has been silent, in units of its own rhythm: 1 is the usual pause, 3 is three times as long.

The usual pause is the mean time between active days in the last `days` days: from the oldest to the newest such event,
divided by the active days less one. An account that comes once a week is not overdue after three days. It is missing
with fewer than `minimum` active days in the window.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import ibis.expr.types as ir
from pydantic import Field

from keepwell.metrics.events import Events, day_masks, days_in, newest_age, oldest_age, share
from keepwell.metrics.metric import Days, EventMetric, Parts


class Overdue(EventMetric):
    kind: Literal["overdue"] = "overdue"
    days: Days
    minimum: Annotated[int, Field(ge=2, strict=True)] = 3

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        matching = events.matching(self.filter())
        seen = matching & events.within(self.days)
        masks = day_masks(matching, events, self.days)
        return {
            **{f"mask_{number:02}": mask for number, mask in enumerate(masks)},
            "newest": newest_age(seen, events),
            "oldest": oldest_age(seen, events),
        }

    def value(self, part: Parts) -> ir.NumericValue:
        active = days_in([part[name] for name in sorted(part) if name.startswith("mask_")])
        pause = share(part["oldest"] - part["newest"], active - 1)
        return (active >= self.minimum).ifelse(share(part["newest"], pause), None)
