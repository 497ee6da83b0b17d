"""The trend of a score."""

import pytest

from keepwell.health.health_model import TrendRule
from keepwell.health.trend import direction
from keepwell.health.weight import NANO


@pytest.mark.requirement("A026")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (0, "stable"),
        (5 * NANO, "stable"),
        (-5 * NANO, "stable"),
        (5 * NANO + 1, "improving"),
        (-5 * NANO - 1, "declining"),
    ],
)
def test_a_change_beyond_what_is_stable_is_a_direction(change: int, expected: str) -> None:
    assert direction(change, TrendRule()) == expected
