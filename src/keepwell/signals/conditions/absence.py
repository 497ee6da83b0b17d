"""None of these events for a while: `{events: [signed_in], for: 72h}`, or against the account's own rhythm.

`for` is elapsed time since the newest such event. `rhythm: 3` asks that the pause be three times as long as is usual
for the account (see the metric kind `overdue`); where its rhythm is not known, `for` alone counts. An account that
never had such an event is not absent. Silence means nothing while its messenger is silent: the absence holds only once
the source of the newest such event has told of something, at any account, from after the time was up.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from keepwell.base.instant import microseconds
from keepwell.base.periods import Period, format_period
from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.kinds.days_since_last import DaysSinceLast
from keepwell.metrics.kinds.overdue import Overdue
from keepwell.metrics.metric import Metric
from keepwell.signals.condition import Condition, Line
from keepwell.signals.own_metric import DAY_US, names_in_words, own_id
from keepwell.signals.panel import NEVER, Panel
from keepwell.signals.truth import NO, UNKNOWN, YES, Truth

# How long it takes to ask again about an absence that its source keeps from being judged.
ASK_AGAIN = timedelta(minutes=10)


class Absence(Condition, EventFilter):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[Literal["absence"]] = "absence"
    least: Period = Field(default=timedelta(days=1), alias="for")
    rhythm: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None
    days: Annotated[int, Field(gt=0, le=730, strict=True)] = 90

    @property
    def id(self) -> str:
        """Under which the panel tells when its sources were heard."""
        return own_id(self._age())

    def truth(self, panel: Panel) -> Truth:
        age, limit = panel.metric(self.id), self.limit_days(panel)
        heard = panel.heard.get(self.id, np.full(len(panel), np.nan))
        is_long = age >= limit
        is_told = age - heard >= limit
        return np.where(is_long, np.where(is_told, YES, UNKNOWN), NO).astype(np.int8)

    def limit_days(self, panel: Panel) -> NDArray[np.float64]:
        """How long each account may be absent, in days."""
        least = np.full(len(panel), self.least / timedelta(days=1))
        if self.rhythm is None:
            return least
        age, overdue = panel.metric(self.id), panel.metric(own_id(self._overdue()))
        pause = np.divide(age, overdue, out=np.full(len(panel), np.nan), where=overdue > 0)
        # A pause that is not known leaves `for` alone.
        found: NDArray[np.float64] = np.maximum(least, np.nan_to_num(self.rhythm * pause))
        return found

    def metrics(self) -> Mapping[str, Metric]:
        found: dict[str, Metric] = {self.id: self._age()}
        if self.rhythm is not None:
            found[own_id(self._overdue())] = self._overdue()
        return found

    def reads(self) -> Sequence[EventFilter]:
        return (EventFilter(events=self.events, where=self.where),)

    def happened_days(self, panel: Panel) -> NDArray[np.float64]:
        return panel.metric(self.id) - self.limit_days(panel)

    def next_change(self, panel: Panel) -> NDArray[np.int64]:
        left = self.limit_days(panel) - panel.metric(self.id)
        now = microseconds(panel.as_of)
        due = now + np.ceil(np.nan_to_num(left) * DAY_US).astype(np.int64)
        is_held_back = self.truth(panel) == UNKNOWN
        again = now + ASK_AGAIN // timedelta(microseconds=1)
        return np.where(np.isnan(left), NEVER, np.where(left > 0, due, np.where(is_held_back, again, NEVER)))

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        age, limit = float(panel.metric(self.id)[row]), float(self.limit_days(panel)[row])
        told = f"for {format_period(self.least)} or more"
        if self.rhythm is not None and limit > self.least / timedelta(days=1):
            told = f"{self.rhythm:g} times the usual pause of {limit / self.rhythm:.1f} days"
        return [Line(f"Without {names_in_words(self.events)}", age, "days", told)]

    def _age(self) -> DaysSinceLast:
        title = f"Days since {names_in_words(self.events)}"
        return DaysSinceLast(
            kind="days_since_last", title=title, unit="days", better="down", events=self.events, where=self.where
        )

    def _overdue(self) -> Overdue:
        return Overdue(
            kind="overdue",
            title=f"Pause in {names_in_words(self.events)} against habit",
            unit="number",
            better="down",
            events=self.events,
            where=self.where,
            days=self.days,
        )
