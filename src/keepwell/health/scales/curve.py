"""Straight lines between points of value and points of health.

`points: [[0, 0], [0.7, 100]]` gives 0 up to the value 0, 100 from 0.7 on, and what lies between in proportion. The
values ascend. Where the metric has a middle that is best, the curve may rise and fall.
"""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from keepwell.health.scale import Corner, Scale, along


class Curve(Scale):
    kind: Literal["curve"] = "curve"
    points: Annotated[tuple[Corner, ...], Field(min_length=2)]

    def fractions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return along(self.points, values)

    def corners(self) -> tuple[Corner, ...]:
        return self.points
