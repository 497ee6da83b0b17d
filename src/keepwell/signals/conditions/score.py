"""The health score lies in a range: `{below: 40}`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import ConfigDict, RootModel

from keepwell.health.weight import NANO
from keepwell.metrics.event_filter import Range
from keepwell.signals.condition import Condition, Line
from keepwell.signals.limit import in_words, points_within
from keepwell.signals.panel import Panel
from keepwell.signals.truth import Truth


class ScoreRange(Condition, RootModel[Range]):
    model_config = ConfigDict(frozen=True)
    kind: ClassVar[Literal["score"]] = "score"

    def truth(self, panel: Panel) -> Truth:
        return points_within(self.root, panel.nano_points, panel.has_score)

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        return [Line("Health score", int(panel.nano_points[row]) / NANO, "points", in_words(self.root))]
