"""Comparing a value with what a rule wants of it."""

from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepwell.health.score import nano
from keepwell.metrics.event_filter import Condition as Wanted
from keepwell.metrics.event_filter import Mention, Range
from keepwell.metrics.events import SIGNS
from keepwell.signals.panel import Known
from keepwell.signals.truth import NO, UNKNOWN, YES, Truth, truth_of

DECIMALS: Final = 9
# Larger doubles have no ninth decimal.
LARGEST_ROUNDED: Final = 1e6
WORDS = {">=": "at least", ">": "above", "<": "below", "<=": "at most"}


def within(wanted: Range, numbers: NDArray[np.float64]) -> Truth:
    """Whether each number lies in the range; a missing one neither does nor does not.

    Numbers are compared to nine decimals, as people write limits: 0.8 less 0.9 is -0.1.
    """
    told = np.where(np.abs(numbers) < LARGEST_ROUNDED, np.round(numbers, DECIMALS), numbers)
    held = np.ones(len(numbers), dtype=np.bool_)
    for sign, limit in wanted.ends():
        held &= SIGNS[sign](told, limit)
    return truth_of(held, ~np.isnan(numbers))


def points_within(wanted: Range, nano_points: NDArray[np.int64], has_score: NDArray[np.bool_]) -> Truth:
    """The same for scores, exact to the last digit."""
    held = np.ones(len(nano_points), dtype=np.bool_)
    for sign, limit in wanted.ends():
        held &= SIGNS[sign](nano_points, nano(Decimal(str(limit))))
    return truth_of(held, has_score)


def meets(wanted: Wanted, known: Known) -> int:
    """One value against a range, a value or a list of values."""
    if known is None or known != known:
        return UNKNOWN
    if isinstance(wanted, Range):
        if isinstance(known, str | bool):
            return UNKNOWN
        return YES if all(SIGNS[sign](known, limit) for sign, limit in wanted.ends()) else NO
    if isinstance(wanted, Mention):
        return UNKNOWN if not isinstance(known, str) else YES if wanted.is_in(known) else NO
    choices = wanted if isinstance(wanted, tuple) else (wanted,)
    # `true` and 1 are the same to Python and not to the reader of a rule.
    return YES if any(isinstance(one, bool) == isinstance(known, bool) and one == known for one in choices) else NO


def in_words(wanted: Wanted) -> str:
    """A limit as a reader is told it, such as 'at most -0.5'."""
    if isinstance(wanted, Range):
        return " and ".join(f"{WORDS[sign]} {limit:g}" for sign, limit in wanted.ends())
    if isinstance(wanted, Mention):
        return f"mentions {' or '.join(wanted.mentions)}"
    choices = wanted if isinstance(wanted, tuple) else (wanted,)
    return " or ".join(str(one).lower() if isinstance(one, bool) else str(one) for one in choices)
