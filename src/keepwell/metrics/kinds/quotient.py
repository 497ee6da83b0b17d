"""One metric divided by another: escalations per ticket, active contacts per seat.

It is missing when either is missing or `by` is 0.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir
from pydantic import StrictStr

from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.events import Events, share
from keepwell.metrics.metric import Metric, Parts


class Quotient(Metric):
    kind: Literal["quotient"] = "quotient"
    metric: StrictStr
    by: StrictStr

    def reads(self) -> tuple[EventFilter, ...]:
        return ()

    def uses(self) -> tuple[str, ...]:
        return tuple(sorted({self.metric, self.by}))

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        return {}

    def value(self, part: Parts) -> ir.NumericValue:
        return share(part[self.metric], part[self.by])
