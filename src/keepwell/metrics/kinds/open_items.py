"""How many things are open: one of `events` told of them in the last `days` days, and none of `closed_by` did since.

Things are told apart by the text property `of`, such as tickets or invoices; events without it are about one thing
without a name. What was opened and closed in the same instant is closed. 0 when nothing is open.
"""

from collections.abc import Mapping
from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import StrictStr

from keepwell.metrics.event_filter import EventFilter, PropertyType
from keepwell.metrics.events import KEYS, Events
from keepwell.metrics.metric import Days, EventMetric, Parts, Side


class OpenItems(EventMetric):
    kind: Literal["open_items"] = "open_items"
    of: StrictStr
    closed_by: EventFilter
    days: Days

    def reads(self) -> tuple[EventFilter, ...]:
        # Somebody who never closed anything still has things that are open, so closing need not be known.
        return (self.filter(), EventFilter(events=(*self.events, *self.closed_by.events)))

    def properties(self) -> dict[str, PropertyType]:
        return {**super().properties(), **self.closed_by.properties(), self.of: "text"}

    def parts(self, events: Events) -> Mapping[str, ir.Value]:
        return {}

    def side(self, events: Events) -> Side:
        opening = (events.matching(self.filter()) & events.within(self.days)).fill_null(False)
        closing = events.matching(self.closed_by).fill_null(False)
        rows = events.table.filter(opening | closing)
        rows = rows.select(
            *KEYS,
            item=events.text(self.of).fill_null(""),
            opened=opening.ifelse(events.table.age, None),
            closed=closing.ifelse(events.table.age, None),
        )
        items = rows.group_by(*KEYS, "item").aggregate(opened=rows.opened.min(), closed=rows.closed.min())
        is_open = items.opened.notnull() & (items.closed.isnull() | (items.opened < items.closed))
        return Side(items, {"open": is_open.ifelse(1, None).count()})

    def value(self, part: Parts) -> ir.NumericValue:
        return ibis.coalesce(part["open"], 0).cast("float64")
