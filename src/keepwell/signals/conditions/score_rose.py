"""The health score is at least `points` above its lowest value of the last `days` days.

Only scores of the same version of the health model are compared, and none from before an import of history.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from keepwell.base.shape import Exact
from keepwell.health.score import nano
from keepwell.health.weight import NANO
from keepwell.signals.condition import Condition, Line
from keepwell.signals.panel import Panel
from keepwell.signals.truth import Truth, truth_of


class ScoreRose(Condition, BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[Literal["score_rose"]] = "score_rose"
    points: Annotated[Exact, Field(gt=0, le=100, allow_inf_nan=False, max_digits=12, decimal_places=9)]
    days: Annotated[int, Field(ge=1, le=365, strict=True)]

    def truth(self, panel: Panel) -> Truth:
        lows = panel.lows.get(self.days, np.full(len(panel), np.nan))
        return truth_of(panel.nano_points - lows >= nano(self.points), panel.has_score & ~np.isnan(lows))

    def score_days(self) -> Sequence[int]:
        return (self.days,)

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        low, now = float(panel.lows[self.days][row]) / NANO, int(panel.nano_points[row]) / NANO
        days = "1 day" if self.days == 1 else f"{self.days} days"
        return [
            Line(f"Lowest health score of the last {days}", low, "points", ""),
            Line("Health score", now, "points", f"{Decimal(self.points).normalize():f} points or more above it"),
        ]
