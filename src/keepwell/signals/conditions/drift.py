"""The health score drifts: slowly, day by day, too little for anybody to notice at once.

    drift: {days: 28, fall: 6}

Over the daily averages of the last `days` days, Sen's slope (the median of the slopes between all pairs of days) comes
to a fall of at least `fall` points, and by Kendall's test for a trend (Mann 1945, Kendall 1975) as steady a fall comes
by chance in at most 1 - `sure` of series without a trend. It can't be judged with scores on fewer than half of the
days, and is judged once a day. `rise` asks for the opposite direction.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import NormalDist
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from keepwell.base.shape import Exact
from keepwell.health.weight import NANO
from keepwell.signals.condition import Condition, Line
from keepwell.signals.panel import Panel
from keepwell.signals.truth import UNKNOWN, Truth, truth_of

Points = Annotated[Exact, Field(gt=0, le=100, allow_inf_nan=False, max_digits=12, decimal_places=9)]
# Pairs of days held at once.
PAIRS_AT_ONCE = 4_000_000


class Drift(Condition, BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[Literal["drift"]] = "drift"
    days: Annotated[int, Field(ge=7, le=90, strict=True)] = 28
    fall: Points | None = None
    rise: Points | None = None
    sure: Annotated[float, Field(ge=0.5, lt=1)] = 0.995

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        if (self.fall is None) == (self.rise is None):
            raise ValueError("a drift is either a 'fall' or a 'rise' of so many points")
        return self

    def truth(self, panel: Panel) -> Truth:
        daily = panel.daily.get(self.days)
        if daily is None:
            return np.full(len(panel), UNKNOWN, dtype=np.int8)
        change, certainty = _trends(daily)
        sign, least = (-1, self.fall) if self.fall is not None else (1, self.rise)
        is_far = sign * change >= float(least or 0)
        is_sure = sign * certainty >= NormalDist().inv_cdf(self.sure)
        is_known = np.count_nonzero(~np.isnan(daily), axis=1) * 2 >= self.days
        return truth_of(is_far & is_sure, is_known)

    def daily_days(self) -> Sequence[int]:
        return (self.days,)

    def lines(self, panel: Panel, row: int, titles: Mapping[str, str]) -> Sequence[Line]:
        change = float(_trends(panel.daily[self.days][row : row + 1])[0][0])
        least = Decimal(self.fall or self.rise or 0).normalize()
        word = "a fall" if self.fall is not None else "a rise"
        return [
            Line(f"Drift of the health score over {self.days} days", change, "points", f"{word} of {least:f} or more"),
            Line("Health score", int(panel.nano_points[row]) / NANO, "points", ""),
        ]


def _trends(daily: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sen's slope over the whole stretch in points, and Kendall's standardised statistic; 0 where nothing is known."""
    later, earlier = np.triu_indices(daily.shape[1], k=1)[::-1]
    change, certainty = np.zeros(len(daily)), np.zeros(len(daily))
    step = max(1, PAIRS_AT_ONCE // max(1, len(later)))
    for start in range(0, len(daily), step):
        part = slice(start, start + step)
        rises = daily[part][:, later] - daily[part][:, earlier]
        is_pair = ~np.isnan(rises)
        slopes = np.sort(np.where(is_pair, rises / (later - earlier), np.inf), axis=1)
        count = is_pair.sum(axis=1)
        rows = np.arange(len(slopes))
        middle = np.maximum(count - 1, 0)
        median = (slopes[rows, middle // 2] + slopes[rows, (middle + 1) // 2]) / 2
        change[part] = np.where(count > 0, np.where(np.isinf(median), 0.0, median), 0.0) * (daily.shape[1] - 1)
        concordance = np.sign(np.where(is_pair, rises, 0.0)).sum(axis=1)
        known = np.count_nonzero(~np.isnan(daily[part]), axis=1).astype(np.float64)
        spread = np.sqrt(known * (known - 1) * (2 * known + 5) / 18)
        corrected = concordance - np.sign(concordance)
        certainty[part] = np.divide(corrected, spread, out=np.zeros(len(spread)), where=spread > 0)
    return change, certainty
