"""The usual wait, in hours, of the requests of the last `days` days that were answered within `within_hours`.

`average` is `median` (the default) or `mean`. Requests and responses are matched as for `response_rate`. It is
missing when no request was answered in that time.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import ibis.expr.types as ir
from pydantic import Field

from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.events import INTEGER, MICROSECONDS_AN_HOUR, Events, count, requests, share
from keepwell.metrics.metric import Days, Metric, Parts, Side


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

    def side(self, events: Events) -> Side:
        asked = requests(events, self.request, self.response)
        on_time = (asked.days_ago < self.days) & (asked.waited <= self.within_hours * MICROSECONDS_AN_HOUR)
        if self.average == "median":
            return Side(asked, {"usual": on_time.ifelse(asked.waited, None).median()})
        exact = asked.waited.cast(INTEGER)
        return Side(asked, {"total": on_time.ifelse(exact, None).sum(), "answered": count(on_time)})

    def value(self, part: Parts) -> ir.NumericValue:
        median = self.average == "median"
        usual = part["usual"].cast("float64") if median else share(part["total"], part["answered"])
        return usual / float(MICROSECONDS_AN_HOUR)
