"""The share of all events of `of` in the last `days` days that also match `events` and `where`.

Failures among all payments, or payments that came on time. It lies between 0 and 1, and is missing when no
event of `of` happened in the window. For a number that is not a share of the same events, such as
escalations per ticket, use `quotient`.
"""

from collections.abc import Mapping
from typing import Literal

import ibis.expr.types as ir
from pydantic import model_validator

from keepwell.metrics.event_filter import EventFilter, PropertyType
from keepwell.metrics.events import Events, count, share
from keepwell.metrics.metric import Days, EventMetric, Parts


class Ratio(EventMetric):
    kind: Literal["ratio"] = "ratio"
    of: EventFilter
    days: Days

    @model_validator(mode="after")
    def _is_a_part(self) -> "Ratio":
        strangers = sorted(set(self.events) - set(self.of.events))
        if strangers:
            raise ValueError(
                f"a ratio is a share of the events in 'of', which do not include {', '.join(strangers)}; "
                "add them there, or use the kind 'quotient'"
            )
        return self

    def reads(self) -> tuple[EventFilter, ...]:
        return (self.of,)

    def properties(self) -> dict[str, PropertyType]:
        return {**self.of.properties(), **self.filter().properties()}

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        whole = events.matching(self.of) & events.within(self.days)
        return {"part": count(whole & events.matching(self.filter())), "whole": count(whole)}

    def value(self, part: Parts) -> ir.NumericValue:
        return share(part["part"], part["whole"])
