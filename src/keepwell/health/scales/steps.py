"""Stairs: each step holds from its value, included, up to the next one.

`steps: [[0, 0], [1, 60], [3, 100]]` gives 60 points to 1 and to 2.99. A value below the first step has the points of
the first step.
"""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from keepwell.health.scale import Corner, Scale


class Steps(Scale):
    kind: Literal["steps"] = "steps"
    steps: Annotated[tuple[Corner, ...], Field(min_length=1)]

    def fractions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        at = np.array([value for value, _ in self.steps])
        fraction = np.array([points for _, points in self.steps]) / 100.0
        step = np.maximum(np.searchsorted(at, values, side="right") - 1, 0)
        return np.where(np.isnan(values), values, fraction[step])

    def corners(self) -> tuple[Corner, ...]:
        return self.steps
