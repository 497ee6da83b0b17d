"""Effective weights: what each measure weighs once the missing ones have given theirs away.

Weights are whole numbers of 1e-9 points that add up to 100 points exactly, whatever is missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Final

from keepwell.health.health_model import Group, HealthModel, Measure, Neutral

NANO: Final = 1_000_000_000
FULL: Final = 100 * NANO


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
    """What a part is worth with these values missing: `mass` without what is excluded, and whether it has any value."""

    part: Leaf | Branch
    mass: int
    has_any: bool
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
        found = [0] * len(self.measures)
        whole = _shared(self.root, present)
        if whole.has_any:
            _spread(whole, FULL, found)
        return tuple(found)

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


def _shared(part: Leaf | Branch, present: Sequence[bool]) -> _Share:
    if isinstance(part, Leaf):
        has_value = present[part.place]
        is_gone = part.is_excluded_when_missing and not has_value
        return _Share(part, 0 if is_gone else part.mass, has_value)
    parts = tuple([_shared(inner, present) for inner in part.parts])
    return _Share(part, sum(inner.mass for inner in parts), any(inner.has_any for inner in parts), parts)


def _spread(share: _Share, weight: int, found: list[int]) -> None:
    if isinstance(share.part, Leaf):
        found[share.part.place] = weight
        return
    present = [inner for inner in share.parts if inner.has_any]
    for inner, own in zip(present, apportioned(weight, [inner.mass for inner in present]), strict=True):
        _spread(inner, own, found)


def apportioned(whole: int, masses: Sequence[int]) -> list[int]:
    """`whole` in proportion to the masses: the largest remainders are rounded up, the first of equals first."""
    total = sum(masses)
    parts, remainders = [], []
    for mass in masses:
        part, remainder = divmod(whole * mass, total)
        parts.append(part)
        remainders.append(remainder)
    short = whole - sum(parts)
    if short:
        for place in sorted(range(len(masses)), key=lambda place: (-remainders[place], place))[:short]:
            parts[place] += 1
    return parts
