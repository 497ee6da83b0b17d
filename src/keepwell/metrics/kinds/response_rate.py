"""The share of requests in the last `days` days that were answered within `within_hours`.

A response answers every earlier request of the same account, and of the same contact where both name one; one at the
same instant counts. A request younger than `within_hours` without a response is not yet counted. It is missing when no
request counts.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import ibis.expr.types as ir
from pydantic import Field

from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.events import MICROSECONDS_AN_HOUR, Events, count, requests, share
from keepwell.metrics.metric import Days, Metric, Parts, Side


class ResponseRate(Metric):
    kind: Literal["response_rate"] = "response_rate"
    request: EventFilter
    response: EventFilter
    within_hours: Annotated[int, Field(ge=1, le=2160, strict=True)]
    days: Days

    def reads(self) -> tuple[EventFilter, ...]:
        return (self.request, self.response)

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        return {}

    def side(self, events: Events) -> Side:
        allowed = self.within_hours * MICROSECONDS_AN_HOUR
        asked = requests(events, self.request, self.response)
        recent = asked.days_ago < self.days
        on_time = recent & (asked.waited <= allowed)
        return Side(asked, {"answered": count(on_time), "settled": count(on_time | (recent & (asked.age > allowed)))})

    def value(self, part: Parts) -> ir.NumericValue:
        return share(part["answered"], part["settled"])
