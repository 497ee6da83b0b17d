"""Effective weights: what each measure weighs once the missing ones have given theirs away.

Weights are whole numbers of 1e-9 points that add up to 100 points exactly, whatever is missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Final

from keepwell.health.health_model import Group, HealthModel, Measure, Neutral

NANO: Final = 1_000_000_000
FULL: Final = 100 * NANO


@dataclass(frozen=True, slots=True)
class Leaf:
    """A measure by its place in `HealthModel.measures()`; `share` is of its group's weight."""

    place: int
    share: Fraction
    is_excluded_when_missing: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A group; `share` is of the weight of the group around it."""

    share: Fraction
    parts: tuple["Leaf | Branch", ...]


class WeightTree:
    """The weights of one health model."""

    def __init__(self, model: HealthModel) -> None:
        self.measures: Sequence[Measure] = model.measures()
        self._model = model

    @cached_property
    def root(self) -> Branch:
        places = iter(range(len(self.measures)))
        total = sum((Fraction(group.weight or 0) for group in self._model.groups), Fraction(0))
        groups = [self._branch(group, Fraction(group.weight or 0) / total, places) for group in self._model.groups]
        return Branch(Fraction(1), tuple(groups))

    @cached_property
    def nominal(self) -> tuple[int, ...]:
        """Weights in 1e-9 points when nothing is missing."""
        return self.effective([True] * len(self.measures))

    def effective(self, present: Sequence[bool]) -> tuple[int, ...]:
        """Weights in 1e-9 points of every measure, 0 for the missing; all 0 when nothing is present.

        A missing measure gives its weight to its group, a group with nothing to its neighbours. An excluded
        one takes its weight out of the score, so that all others grow alike.
        """
        found: dict[int, Fraction] = {}
        _spread(self.root, Fraction(FULL), present, found)
        return _apportioned([found.get(place, Fraction(0)) for place in range(len(self.measures))])

    def _branch(self, group: Group, share: Fraction, places: Iterator[int]) -> Branch:
        if group.weights == "equal":
            shares = [Fraction(1, len(group.parts))] * len(group.parts)
        else:
            weights = [Fraction(part.weight or 0) for part in group.parts]
            shares = [weight / sum(weights) for weight in weights]
        parts: list[Leaf | Branch] = []
        for part, own in zip(group.parts, shares, strict=True):
            if isinstance(part, Group):
                parts.append(self._branch(part, own, places))
            else:
                parts.append(Leaf(next(places), own, self._model.policy(part) == "exclude"))
        return Branch(share, tuple(parts))


def can_be_weighed(model: HealthModel) -> bool:
    """Whether every level has weights to share by; a model that passes the checks has."""
    levels = [model.groups, *(part.parts for _, part in model.walk() if isinstance(part, Group) and not part.weights)]
    return all(part.weight is not None and part.weight > 0 for level in levels for part in level)


def neutral_points(model: HealthModel, measure: Measure) -> float | None:
    """The points of 100 that a missing value of this measure counts as, if it has such a policy."""
    policy = model.policy(measure)
    return float(policy.neutral) if isinstance(policy, Neutral) else None


def _spread(branch: Branch, weight: Fraction, present: Sequence[bool], found: dict[int, Fraction]) -> None:
    kept = {number: _kept(part, present) for number, part in enumerate(branch.parts) if _has_any(part, present)}
    whole = sum(kept.values(), Fraction(0))
    for number, share in kept.items():
        part = branch.parts[number]
        if isinstance(part, Leaf):
            found[part.place] = weight * share / whole
        else:
            _spread(part, weight * share / whole, present, found)


def _has_any(part: Leaf | Branch, present: Sequence[bool]) -> bool:
    if isinstance(part, Leaf):
        return present[part.place]
    return any(_has_any(inner, present) for inner in part.parts)


def _kept(part: Leaf | Branch, present: Sequence[bool]) -> Fraction:
    """The part's share of the group around it without what is excluded inside."""
    if isinstance(part, Leaf):
        return part.share
    gone = sum((_excluded(inner, present) for inner in part.parts), Fraction(0))
    return part.share * (1 - gone)


def _excluded(part: Leaf | Branch, present: Sequence[bool]) -> Fraction:
    if isinstance(part, Leaf):
        return part.share if part.is_excluded_when_missing and not present[part.place] else Fraction(0)
    return part.share * sum((_excluded(inner, present) for inner in part.parts), Fraction(0))


def _apportioned(exact: Sequence[Fraction]) -> tuple[int, ...]:
    """Whole numbers with the same whole sum: the largest remainders are rounded up, the first of equals first."""
    floors = [int(weight) for weight in exact]
    short = int(sum(exact, Fraction(0))) - sum(floors)
    by_remainder = sorted(range(len(exact)), key=lambda place: (floors[place] - exact[place], place))
    for place in by_remainder[:short]:
        floors[place] += 1
    return tuple(floors)
