"""The weight tree of a score: every group and measure with its weight, its points and its value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from keepwell.base.figure import measured
from keepwell.health.weight import NANO
from keepwell.jobs.read_account import Explanation, MeasureLine
from keepwell.store.read.health_model import ModelFace, PartFace

BAR_WIDTH = 160


@dataclass(frozen=True, slots=True)
class TreeRow:
    """`model_weight` is what the model gives it, in points; `weight_nano` what it weighed for this account.

    `bar` and `fill` are widths of a drawing whose whole is the largest weight of a top group. `counted` and `measures`
    say how many measures below it had data.
    """

    id: str
    title: str
    about: str
    depth: int
    is_group: bool
    model_weight: float
    weight_nano: int
    points_nano: int
    share: float | None
    value: str
    days: int | None
    counted: int
    measures: int
    bar: float
    fill: float

    @property
    def is_missing(self) -> bool:
        return self.counted == 0

    @property
    def is_shifted(self) -> bool:
        """Whether missing data gave it more, or less, than the model's weight."""
        return abs(self.weight_nano - round(self.model_weight * NANO)) > NANO // 1000


def tree_rows(model: ModelFace, found: Explanation) -> Sequence[TreeRow]:
    lines = {line.metric: line for line in found.measures}
    widest = max((_sums(group, lines)[0] for group in model.groups), default=0) or NANO
    return [row for group in model.groups for row in _rows(group, 0, lines, widest)]


def _rows(part: PartFace, depth: int, lines: Mapping[str, MeasureLine], widest: int) -> Iterator[TreeRow]:
    weight, points = _sums(part, lines)
    measures = list(part.measures())
    line = lines.get(part.id) if part.metric else None
    yield TreeRow(
        id=part.id,
        title=part.title,
        about=part.metric.about if part.metric else "",
        depth=depth,
        is_group=part.metric is None,
        model_weight=part.weight,
        weight_nano=weight,
        points_nano=points,
        share=points / weight if weight else None,
        value=measured(line.value if line else None, part.metric.unit) if part.metric else "",
        days=part.metric.days if part.metric else None,
        counted=sum(_has_data(measure, lines) for measure in measures),
        measures=len(measures),
        bar=round(BAR_WIDTH * weight / widest, 1),
        fill=round(BAR_WIDTH * points / widest, 1),
    )
    for child in part.parts:
        yield from _rows(child, depth + 1, lines, widest)


def _has_data(measure: PartFace, lines: Mapping[str, MeasureLine]) -> bool:
    line = lines.get(measure.id)
    return line is not None and line.value is not None


def _sums(part: PartFace, lines: Mapping[str, MeasureLine]) -> tuple[int, int]:
    found = [lines[measure.id] for measure in part.measures() if measure.id in lines]
    return sum(line.weight_nano for line in found), sum(line.points_nano for line in found)
