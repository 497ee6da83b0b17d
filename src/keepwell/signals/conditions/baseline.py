"""The last days against the account's own habit on the same weekdays.

    baseline: {events: [feature_used], days: 3, change: {at_most: -0.5}}

-0.5 is half of what is usual. See the metric kind `baseline_change`: with fewer than `minimum` events in the weeks
before, or an account that is younger than they are, the condition can't be judged.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from keepwell.metrics.event_filter import EventFilter, Range
from keepwell.metrics.kinds.baseline_change import BaselineChange
from keepwell.metrics.metric import Metric
from keepwell.signals.condition import Condition, Line
from keepwell.signals.limit import in_words, within
from keepwell.signals.own_metric import names_in_words, own_id
from keepwell.signals.panel import Panel
from keepwell.signals.truth import Truth


class Baseline(Condition, EventFilter):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[Literal["baseline"]] = "baseline"
    days: Annotated[int, Field(ge=1, le=7, strict=True)]
    weeks: Annotated[int, Field(ge=1, le=52, strict=True)] = 4
    minimum: Annotated[int, Field(ge=1, strict=True)] = 20
    change: Range

    def truth(self, panel: Panel) -> Truth:
        return within(self.change, panel.metric(own_id(self._metric())))

    def metrics(self) -> Mapping[str, Metric]:
        metric = self._metric()
        return {own_id(metric): metric}

    def reads(self) -> Sequence[EventFilter]:
        return (EventFilter(events=self.events, where=self.where),)

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        value = float(panel.metric(own_id(self._metric()))[row])
        return [Line(self._metric().title, value, "percent_change", in_words(self.change))]

    def _metric(self) -> BaselineChange:
        days = "day" if self.days == 1 else f"{self.days} days"
        return BaselineChange(
            kind="baseline_change",
            title=f"{names_in_words(self.events).capitalize()} of the last {days} against habit",
            unit="percent_change",
            better="up",
            events=self.events,
            where=self.where,
            days=self.days,
            weeks=self.weeks,
            minimum=self.minimum,
        )
