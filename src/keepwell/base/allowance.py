"""How often somebody may ask: a bucket of a minute's worth for each name, filled again evenly."""

from collections.abc import Hashable
from typing import Final

MINUTE_S: Final = 60.0
# Buckets that are full again are forgotten when there are as many as this, or twice what the last sweep left.
FEWEST_SWEPT: Final = 10_000


class Allowance:
    """So many a minute for every name, apart from each other.

    In any stretch of t seconds a name gets at most `a_minute` * (1 + t / 60). Not for several threads at once
    without a lock. Time is handed in, in seconds of any clock that does not go back.
    """

    def __init__(self, a_minute: int) -> None:
        self._gap_s = MINUTE_S / a_minute
        self._full_at: dict[Hashable, float] = {}
        self._sweep_from = FEWEST_SWEPT

    def wait_s(self, name: Hashable, now_s: float, *, count: int = 1) -> float:
        """Take `count` and return 0; or take nothing and return after how many seconds there will be enough.

        More than a minute's worth at once is never granted.
        """
        full_at = max(self._full_at.get(name, now_s), now_s) + count * self._gap_s
        wait_s = full_at - now_s - MINUTE_S
        if wait_s > self._gap_s * 1e-6:
            return wait_s
        if len(self._full_at) >= self._sweep_from:
            self._full_at = {kept: moment for kept, moment in self._full_at.items() if moment > now_s}
            self._sweep_from = max(FEWEST_SWEPT, 2 * len(self._full_at))
        self._full_at[name] = full_at
        return 0.0

    def __len__(self) -> int:
        return len(self._full_at)
