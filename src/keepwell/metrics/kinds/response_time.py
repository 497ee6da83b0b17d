"""The usual wait, in hours, of the requests of the last `days` days that were answered within `within_hours`.

`average` is `median` (the default) or `mean`. Requests and responses are matched as for `response_rate`. It is
missing when no request was answered in that time.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import ibis.expr.types as ir
from pydantic import Field

from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.events import KEYS, MICROSECONDS_AN_HOUR, Events, answered, share
from keepwell.metrics.metric import Days, Metric, Parts


class ResponseTime(Metric):
    kind: Literal["response_time"] = "response_time"
    request: EventFilter
    response: EventFilter
    within_hours: Annotated[int, Field(ge=1, le=2160, strict=True)]
    days: Days
    average: Literal["median", "mean"] = "median"

    def reads(self) -> tuple[EventFilter, ...]:
        return (self.request, self.response)

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        return {}

    def side(self, events: Events) -> ir.Table:
        asked = answered(events, self.request, self.response, self.within_hours * MICROSECONDS_AN_HOUR)
        asked = asked.filter(asked.days_ago < self.days)
        waited = asked.waited
        if self.average == "median":
            return asked.group_by(*KEYS).aggregate(usual=waited.median())
        return asked.group_by(*KEYS).aggregate(total=waited.cast("decimal(38, 0)").sum(), answered=waited.count())

    def value(self, part: Parts) -> ir.NumericValue:
        median = self.average == "median"
        usual = part["usual"].cast("float64") if median else share(part["total"], part["answered"])
        return usual / float(MICROSECONDS_AN_HOUR)
