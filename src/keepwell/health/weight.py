"""Effective weights: what each measure weighs once the missing ones have given theirs away.

Weights are whole numbers of 1e-9 points that add up to 100 points exactly, whatever is missing. They are worked out
for many patterns of what is missing at once: arrays have a column per pattern.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keepwell.health.health_model import Group, HealthModel, Measure, Neutral

NANO: Final = 1_000_000_000
FULL: Final = 100 * NANO
# Masses up to this, times any weight, fit a 64-bit number; of larger ones Python's own integers take care.
MOST_MASS: Final = (2**63 - 1) // FULL

# Whole numbers, of 64 bits or Python's own.
Wholes = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A measure by its place in `HealthModel.measures()`; masses of one tree are whole and in proportion."""

    place: int
    mass: int
    is_excluded_when_missing: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A group."""

    parts: tuple["Leaf | Branch", ...]


@dataclass(frozen=True, slots=True)
class _Share:
    """What a part is worth under each pattern: `mass` without what is excluded, and whether it has any value."""

    part: Leaf | Branch
    mass: Wholes
    has_any: NDArray[np.bool_]
    parts: tuple["_Share", ...] = ()


class WeightTree:
    """The weights of one health model, which must pass the checks."""

    def __init__(self, model: HealthModel) -> None:
        self.measures: Sequence[Measure] = model.measures()
        self._model = model

    @cached_property
    def root(self) -> Branch:
        shares: list[Fraction] = []
        whole = sum((Fraction(group.weight or 0) for group in self._model.groups), Fraction(0))
        for group in self._model.groups:
            shares += _shares(group, Fraction(group.weight or 0) / whole)
        scale = lcm(*(share.denominator for share in shares))
        masses = iter([int(share * scale) for share in shares])
        places = iter(range(len(self.measures)))
        return Branch(tuple(self._branch(group, masses, places) for group in self._model.groups))

    @cached_property
    def nominal(self) -> tuple[int, ...]:
        """Weights in 1e-9 points when nothing is missing."""
        return self.effective([True] * len(self.measures))

    def effective(self, present: Sequence[bool]) -> tuple[int, ...]:
        """Weights in 1e-9 points of every measure, 0 for the missing; all 0 when nothing is present.

        A missing measure gives its weight to its group, a group with nothing to its neighbours. An excluded
        one takes its weight out of the score, so that all others grow alike.
        """
        return tuple(self.effective_all(np.array(present, dtype=np.bool_)[:, np.newaxis])[:, 0].tolist())

    def effective_all(self, present: NDArray[np.bool_]) -> NDArray[np.int64]:
        """`effective` of every column of `present`, which has a row per measure."""
        found = np.zeros(present.shape, dtype=np.int64)
        whole = _shared(self.root, present, np.dtype(np.int64 if self._mass <= MOST_MASS else object))
        _spread(whole, whole.has_any * FULL, found)
        return found

    @cached_property
    def _mass(self) -> int:
        return _mass(self.root)

    def _branch(self, group: Group, masses: Iterator[int], places: Iterator[int]) -> Branch:
        parts: list[Leaf | Branch] = []
        for part in group.parts:
            if isinstance(part, Group):
                parts.append(self._branch(part, masses, places))
            else:
                parts.append(Leaf(next(places), next(masses), self._model.policy(part) == "exclude"))
        return Branch(tuple(parts))


def can_be_weighed(model: HealthModel) -> bool:
    """Whether every level has weights to share by; a model that passes the checks has."""
    levels = [model.groups, *(part.parts for _, part in model.walk() if isinstance(part, Group) and not part.weights)]
    return all(part.weight is not None and part.weight > 0 for level in levels for part in level)


def neutral_points(model: HealthModel, measure: Measure) -> float | None:
    """The points of 100 that a missing value of this measure counts as, if it has such a policy."""
    policy = model.policy(measure)
    return float(policy.neutral) if isinstance(policy, Neutral) else None


def _shares(group: Group, share: Fraction) -> list[Fraction]:
    """The share of the whole score of every measure in a group, in file order."""
    weights = [Fraction(1) if group.weights == "equal" else Fraction(part.weight or 0) for part in group.parts]
    found: list[Fraction] = []
    for part, weight in zip(group.parts, weights, strict=True):
        own = share * weight / sum(weights)
        found += _shares(part, own) if isinstance(part, Group) else [own]
    return found


def _mass(part: Leaf | Branch) -> int:
    return part.mass if isinstance(part, Leaf) else sum(_mass(inner) for inner in part.parts)


def _shared(part: Leaf | Branch, present: NDArray[np.bool_], whole: np.dtype[Any]) -> _Share:
    if isinstance(part, Leaf):
        has_value = present[part.place]
        mass = np.full(len(has_value), part.mass, dtype=whole)
        return _Share(part, mass * has_value if part.is_excluded_when_missing else mass, has_value)
    parts = tuple([_shared(inner, present, whole) for inner in part.parts])
    has_any = np.any([inner.has_any for inner in parts], axis=0)
    return _Share(part, np.sum([inner.mass for inner in parts], axis=0), has_any, parts)


def _spread(share: _Share, weight: Wholes, found: NDArray[np.int64]) -> None:
    if isinstance(share.part, Leaf):
        found[share.part.place] = weight
        return
    masses = np.stack([inner.mass * inner.has_any for inner in share.parts])
    for inner, own in zip(share.parts, apportioned(weight, masses), strict=True):
        _spread(inner, own, found)


def apportioned(wholes: Wholes, masses: Wholes) -> Wholes:
    """Each of `wholes` in proportion to its column of masses.

    The largest remainders are rounded up, the first of equals first. Nothing goes to a mass of 0, and a column of
    nothing else gets nothing.
    """
    total = masses.sum(axis=0)
    shares, divisor = wholes * masses, total + (total == 0)
    parts = shares // divisor
    remainders = shares - parts * divisor
    short = (wholes - parts.sum(axis=0)) * (total != 0)
    turn = np.argsort(np.argsort(-remainders, axis=0, kind="stable"), axis=0)
    rounded: Wholes = parts + (turn < short)
    return rounded
