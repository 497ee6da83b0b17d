"""The trend of the health score over the days that the model compares: improving, stable or declining."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, RootModel

from keepwell.signals.condition import Condition, Line
from keepwell.signals.panel import Panel
from keepwell.signals.truth import Truth, truth_of


class InTrend(Condition, RootModel[Literal["improving", "stable", "declining"]]):
    model_config = ConfigDict(frozen=True)
    kind: ClassVar[Literal["trend"]] = "trend"

    def truth(self, panel: Panel) -> Truth:
        return truth_of(np.asarray(panel.trend == self.root), np.asarray(panel.trend != ""))

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        return [Line("Trend of the health score", str(panel.trend[row]), "", self.root)]
