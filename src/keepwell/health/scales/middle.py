"""A middle is best: too little and too much both cost points.

0 points up to `low` and from `high` on, 100 points from `best_from` to `best_to`, straight lines between.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from keepwell.base.shape import Number
from keepwell.health.scale import Corner, Scale, along


class Middle(Scale):
    kind: Literal["middle"] = "middle"
    low: Number
    best_from: Number
    best_to: Number
    high: Number

    def fractions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return along(self.corners(), values)

    def corners(self) -> tuple[Corner, ...]:
        top = ((self.best_from, 100.0), (self.best_to, 100.0))
        return ((self.low, 0.0), *(top if self.best_from != self.best_to else top[:1]), (self.high, 0.0))
