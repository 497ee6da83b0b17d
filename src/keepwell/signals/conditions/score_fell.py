"""The health score is at least `points` below its highest value of the last `days` days.

Only scores of the same version of the health model are compared, and none from before an import of history, so that
neither an edited model nor late knowledge looks like a fall.
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


class ScoreFell(Condition, BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[Literal["score_fell"]] = "score_fell"
    points: Annotated[Exact, Field(gt=0, le=100, allow_inf_nan=False, max_digits=12, decimal_places=9)]
    days: Annotated[int, Field(ge=1, le=365, strict=True)]

    def truth(self, panel: Panel) -> Truth:
        peaks = panel.peaks.get(self.days, np.full(len(panel), np.nan))
        return truth_of(peaks - panel.nano_points >= nano(self.points), panel.has_score & ~np.isnan(peaks))

    def score_days(self) -> Sequence[int]:
        return (self.days,)

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        peak, now = float(panel.peaks[self.days][row]) / NANO, int(panel.nano_points[row]) / NANO
        days = "1 day" if self.days == 1 else f"{self.days} days"
        return [
            Line(f"Highest health score of the last {days}", peak, "points", ""),
            Line("Health score", now, "points", f"{Decimal(self.points).normalize():f} points or more below it"),
        ]
