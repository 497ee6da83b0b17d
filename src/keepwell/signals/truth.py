"""Whether something holds, for many accounts at once: 1 it does, -1 it does not, 0 nobody can say.

`all` is then the smallest part, `any` the largest and `not` the negative (the strong logic of Kleene), so that
nothing holds, and nothing fails to hold, because a value is missing.
"""

from collections.abc import Iterable
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

Truth = NDArray[np.int8]
YES: Final = 1
NO: Final = -1
UNKNOWN: Final = 0


def truth_of(holds: NDArray[np.bool_], is_known: NDArray[np.bool_]) -> Truth:
    return np.where(is_known, np.where(holds, YES, NO), UNKNOWN).astype(np.int8)


def every(parts: Iterable[Truth]) -> Truth:
    """Holds where all parts do; at least one part is given."""
    return reduce(np.minimum, parts)


def some(parts: Iterable[Truth]) -> Truth:
    """Holds where one part does; at least one part is given."""
    return reduce(np.maximum, parts)
