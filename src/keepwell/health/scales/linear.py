"""One straight line: the value `from` gives 0 points, the value `to` gives 100.

`from` may be the larger one, for a metric of which less is better.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from keepwell.base.shape import Number
from keepwell.health.scale import Corner, Scale, along


class Linear(Scale):
    kind: Literal["linear"] = "linear"
    worst: Number = Field(alias="from")
    best: Number = Field(alias="to")

    def fractions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return along(self.corners(), values)

    def corners(self) -> tuple[Corner, ...]:
        ends = ((self.worst, 0.0), (self.best, 100.0))
        return ends if self.worst <= self.best else ends[::-1]
