"""Metrics of the package lie in ranges, or are given values: `{mrr: {at_least: 500}, payment_failures: 2}`.

Every metric that is named must meet what is asked of it.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, Field, RootModel, StrictStr

from keepwell.metrics.event_filter import Condition as Wanted
from keepwell.metrics.event_filter import Range
from keepwell.signals.condition import Condition, Line
from keepwell.signals.limit import in_words, meets, within
from keepwell.signals.panel import Panel
from keepwell.signals.truth import Truth, every


class MetricRange(Condition, RootModel[Annotated[Mapping[StrictStr, Wanted], Field(min_length=1)]]):
    model_config = ConfigDict(frozen=True)
    kind: ClassVar[Literal["metric"]] = "metric"

    def truth(self, panel: Panel) -> Truth:
        return every(_truth(wanted, panel, name) for name, wanted in self.root.items())

    def metric_ids(self) -> Sequence[str]:
        return tuple(self.root)

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        return [
            Line(titles.get(name, name), _told(float(panel.metric(name)[row])), f"metric:{name}", in_words(wanted))
            for name, wanted in self.root.items()
        ]


def _truth(wanted: Wanted, panel: Panel, name: str) -> Truth:
    if isinstance(wanted, Range):
        return within(wanted, panel.metric(name))
    return np.array([meets(wanted, value) for value in panel.metric(name).tolist()], dtype=np.int8)


def _told(value: float) -> float | None:
    return None if value != value else value
