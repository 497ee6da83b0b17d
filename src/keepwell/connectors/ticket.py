"""What the help desks have in common: how serious a ticket is, and how long it took."""

from collections.abc import Mapping
from typing import Final

from keepwell.connectors.hook_event import SECOND, Value

POINTS: Final[Mapping[str, int]] = {"low": 1, "normal": 2, "high": 4, "urgent": 8}
"""How much a ticket of each severity weighs, from the least to the most serious."""


def severity(word: str) -> str | None:
    """One of the four severities; None for a word that is none."""
    found = word.strip().lower()
    return found if found in POINTS else None


def severity_props(word: str) -> dict[str, Value]:
    """Severity as a word and as a number; nothing for a word that is none."""
    found = severity(word)
    return {"severity": found, "severity_points": POINTS[found]} if found else {}


def is_worse(now: str, before: str) -> bool:
    """A ticket became more serious; one without a severity before counts as normal."""
    after, first = severity(now), severity(before) or "normal"
    return after is not None and POINTS[after] > POINTS[first]


def hours_between(start: int | None, end: int | None) -> float | None:
    """Hours from one moment to another, both in microseconds; None where one is not known or they are reversed."""
    if start is None or end is None or end < start:
        return None
    return round((end - start) / SECOND / 3600, 4)
