"""Where a score has gone over the last days."""

from typing import Literal

from keepwell.health.health_model import TrendRule
from keepwell.health.score import nano

Direction = Literal["improving", "stable", "declining"]


def direction(change: int, rule: TrendRule) -> Direction:
    """The trend of a change in 1e-9 points; a change of exactly `stable_within` is still stable."""
    if abs(change) <= nano(rule.stable_within):
        return "stable"
    return "improving" if change > 0 else "declining"
