"""What every scale has in common.

A scale turns the values of a metric into fractions of the measure's weight. A kind is one class in one file of
`scales/`.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from keepwell.base.shape import Number

Corner = tuple[Number, Number]


class Scale(BaseModel):
    """From a metric's value to 0–100 points."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str

    def fractions(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points / 100 of each value, within [0, 1]; a missing value (NaN) stays missing.

        The same value gives the same bits, whatever stands beside it.
        """
        raise NotImplementedError

    def corners(self) -> tuple[Corner, ...]:
        """Every (value, points) at which the scale bends, as written, for checks and for drawing."""
        raise NotImplementedError

    def rises(self) -> bool:
        """More is never fewer points."""
        points = [point for _, point in self.corners()]
        return all(low <= high for low, high in pairwise(points))

    def falls(self) -> bool:
        """More is never more points."""
        points = [point for _, point in self.corners()]
        return all(low >= high for low, high in pairwise(points))


def along(corners: tuple[Corner, ...], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fractions along straight lines between corners; outside them the end's fraction holds.

    Only elementwise arithmetic: `numpy.interp` rounds differently depending on how many values it is given.
    """
    at = np.array([value for value, _ in corners])
    fraction = np.array([points for _, points in corners]) / 100.0
    if len(corners) == 1:
        return np.where(np.isnan(values), values, fraction[0])
    held = np.minimum(np.maximum(values, at[0]), at[-1])
    segment = np.searchsorted(at[1:-1], held, side="right")
    low, high = fraction[:-1], fraction[1:]
    rise, run = high - low, at[1:] - at[:-1]
    found = low[segment] + rise[segment] * ((held - at[segment]) / run[segment])
    # Rounding may step over the end of a segment by one bit, which would make the scale turn back there.
    floor, ceiling = np.minimum(low, high), np.maximum(low, high)
    result: NDArray[np.float64] = np.minimum(np.maximum(found, floor[segment]), ceiling[segment])
    return result
