"""Why a score is what it is: what it lost and won, level by level."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from keepwell.health.health_model import Group, HealthModel, Measure
from keepwell.health.score import Scores
from keepwell.health.weight import NANO, WeightTree

REASONS_SHOWN: Final = 5
# Less than one point lost or won explains nothing.
LEAST_NANO: Final = NANO
STRONG_SHARE: Final = 0.7


@dataclass(frozen=True, slots=True)
class Reason:
    """A measure and the 1e-9 points it lost against, or won of, its weight."""

    metric: str
    nano: int


@dataclass(frozen=True, slots=True)
class ScoredPart:
    """A group or measure of one account's score; all in 1e-9 points but `coverage` and `value`.

    `nominal` is the weight in the model, `weight` what it weighed with what was missing, `coverage` the share
    of the nominal weight that had data. Points, weights and nominals of `parts` add up to their parent's.
    """

    id: str
    title: str
    nominal: int
    weight: int
    points: int
    coverage: float
    metric: str | None
    value: float | None
    parts: tuple["ScoredPart", ...]

    def walk(self) -> Iterator["ScoredPart"]:
        yield self
        for part in self.parts:
            yield from part.walk()


def key_risk_factors(scores: Scores, row: int) -> tuple[Reason, ...]:
    """The measures with data that cost most points, most first."""
    lost = scores.weights[row] - scores.contributions[row]
    return _largest(scores, row, [int(nano) for nano in lost])


def key_strengths(scores: Scores, row: int) -> tuple[Reason, ...]:
    """The measures that won most points among those that reached most of their weight, most first."""
    won = [
        int(points) if points >= STRONG_SHARE * weight else 0
        for points, weight in zip(scores.contributions[row], scores.weights[row], strict=True)
    ]
    return _largest(scores, row, won)


def scored_tree(scores: Scores, row: int, model: HealthModel) -> tuple[ScoredPart, ...]:
    """The groups of the model with the points of one account."""
    nominal = WeightTree(model).nominal
    places = iter(range(len(nominal)))

    def scored(part: Measure | Group) -> ScoredPart:
        if isinstance(part, Group):
            parts = tuple(scored(inner) for inner in part.parts)
            whole = sum(inner.nominal for inner in parts)
            covered = sum(inner.nominal * inner.coverage for inner in parts) / whole
            weight, points = sum(inner.weight for inner in parts), sum(inner.points for inner in parts)
            return ScoredPart(part.id, part.title, whole, weight, points, covered, None, None, parts)
        place = next(places)
        value = float(scores.values[row, place])
        has_data = value == value
        return ScoredPart(
            id=part.metric,
            title=part.metric,
            nominal=nominal[place],
            weight=int(scores.weights[row, place]),
            points=int(scores.contributions[row, place]),
            coverage=float(has_data),
            metric=part.metric,
            value=value if has_data else None,
            parts=(),
        )

    return tuple(scored(group) for group in model.groups)


def _largest(scores: Scores, row: int, amounts: list[int]) -> tuple[Reason, ...]:
    told = [
        Reason(metric, nano)
        for metric, nano, value in zip(scores.measures, amounts, scores.values[row], strict=True)
        if nano >= LEAST_NANO and value == value
    ]
    return tuple(sorted(told, key=lambda reason: (-reason.nano, reason.metric))[:REASONS_SHOWN])
