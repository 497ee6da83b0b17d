"""The share of some events among others in a window.

    rate: {events: [transaction_settled], where: {ok: false}, of: {events: [transaction_settled]}, days: 1,
           share: {at_least: 0.5}}

With fewer than `minimum` events of `of` in the window the share means little, and the condition can't be judged.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from keepwell.metrics.event_filter import EventFilter, Range
from keepwell.metrics.kinds.count import Count
from keepwell.metrics.kinds.ratio import Ratio
from keepwell.metrics.metric import Days, Metric
from keepwell.signals.condition import Condition, Line
from keepwell.signals.limit import in_words, within
from keepwell.signals.own_metric import names_in_words, own_id
from keepwell.signals.panel import Panel
from keepwell.signals.truth import UNKNOWN, Truth


class Rate(Condition, EventFilter):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[Literal["rate"]] = "rate"
    of: EventFilter
    days: Days
    share: Range
    minimum: Annotated[int, Field(ge=1, strict=True)] = 10

    @model_validator(mode="after")
    def _is_a_part(self) -> Self:
        # The metric refuses what is not a part of `of`.
        self._ratio()
        return self

    def truth(self, panel: Panel) -> Truth:
        is_enough = panel.metric(own_id(self._count())) >= self.minimum
        return np.where(is_enough, within(self.share, panel.metric(own_id(self._ratio()))), UNKNOWN).astype(np.int8)

    def metrics(self) -> Mapping[str, Metric]:
        return {own_id(metric): metric for metric in (self._ratio(), self._count())}

    def reads(self) -> Sequence[EventFilter]:
        return (EventFilter(events=self.events, where=self.where),)

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        share, count = panel.metric(own_id(self._ratio()))[row], panel.metric(own_id(self._count()))[row]
        label = f"Share among {names_in_words(self.of.events)}"
        return [
            Line(label, float(share), "share", in_words(self.share)),
            Line(f"{names_in_words(self.of.events).capitalize()} in {self.days} days", float(count), "count", ""),
        ]

    def _ratio(self) -> Ratio:
        return Ratio(
            kind="ratio",
            title=f"Share among {names_in_words(self.of.events)}",
            unit="share",
            better="middle",
            events=self.events,
            where=self.where,
            of=self.of,
            days=self.days,
        )

    def _count(self) -> Count:
        return Count(
            kind="count",
            title=f"{names_in_words(self.of.events).capitalize()}",
            unit="count",
            better="middle",
            events=self.of.events,
            where=self.of.where,
            days=self.days,
        )
