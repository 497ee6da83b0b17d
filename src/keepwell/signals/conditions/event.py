"""One of these events happened, with these properties, a short while ago: `{events: [payment_failed], within: 7d}`.

What counts is when it happened, not when it came in: an event that was known late counts while it is young enough.
An account that never had such an event does not meet the condition.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from keepwell.base.instant import microseconds
from keepwell.base.periods import Period, format_period
from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.kinds.days_since_last import DaysSinceLast
from keepwell.metrics.metric import Metric
from keepwell.signals.condition import Condition, Line
from keepwell.signals.own_metric import DAY_US, names_in_words, own_id
from keepwell.signals.panel import NEVER, Panel
from keepwell.signals.truth import NO, YES, Truth


class EventHappened(Condition, EventFilter):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[Literal["event"]] = "event"
    within: Period = timedelta(days=1)

    @property
    def id(self) -> str:
        """Under which the panel tells whether it is news."""
        return own_id(self._metric())

    def truth(self, panel: Panel) -> Truth:
        return np.where(self._ages(panel) <= self._limit(), YES, NO).astype(np.int8)

    def metrics(self) -> Mapping[str, Metric]:
        return {self.id: self._metric()}

    def reads(self) -> Sequence[EventFilter]:
        return (EventFilter(events=self.events, where=self.where),)

    def happened_days(self, panel: Panel) -> NDArray[np.float64]:
        return self._ages(panel)

    def is_news(self, panel: Panel) -> NDArray[np.bool_] | None:
        return panel.news[self.id] & (self.truth(panel) == YES) if self.id in panel.news else None

    def next_change(self, panel: Panel) -> NDArray[np.int64]:
        left = np.nan_to_num(self._limit() - self._ages(panel), nan=-1.0)
        # One microsecond later it is over.
        over = microseconds(panel.as_of) + np.rint(left * DAY_US).astype(np.int64) + 1
        return np.where(left >= 0, over, NEVER)

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        age = float(self._ages(panel)[row])
        label = f"Since the last {names_in_words(self.events)}"
        return [Line(label, None if age != age else age, "days", f"within {format_period(self.within)}")]

    def _limit(self) -> float:
        return self.within / timedelta(days=1)

    def _ages(self, panel: Panel) -> NDArray[np.float64]:
        return panel.metric(self.id)

    def _metric(self) -> DaysSinceLast:
        title = f"Days since {names_in_words(self.events)}"
        return DaysSinceLast(
            kind="days_since_last", title=title, unit="days", better="down", events=self.events, where=self.where
        )
