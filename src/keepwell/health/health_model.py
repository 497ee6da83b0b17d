"""The tree of weights, scales and bands that turns metrics into a score."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StrictStr, Tag

from keepwell.base.periods import Period
from keepwell.base.registry import OneOf
from keepwell.base.shape import Exact, Name
from keepwell.base.yaml_source import Path
from keepwell.health.band import Band, Edges, Hysteresis, Score
from keepwell.health.scale import Scale

Weight = Score
Version = Annotated[int, Field(gt=0, strict=True)]
Share = Annotated[Exact, Field(ge=0, le=1, allow_inf_nan=False)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Neutral(_Shape):
    """A missing measure counts as if it stood at `neutral` points of 100, and keeps its weight."""

    neutral: Annotated[Score, Field(ge=0, le=100)]


def _missing_tag(value: object) -> str:
    return "neutral points" if isinstance(value, Mapping | Neutral) else "a policy"


# `redistribute_in_group`: the weight goes to the measures of the same group that have a value.
# `exclude`: the weight leaves the score, and everything else weighs a little more.
MissingPolicy = Annotated[
    Annotated[Literal["redistribute_in_group", "exclude"], Tag("a policy")] | Annotated[Neutral, Tag("neutral points")],
    Discriminator(_missing_tag),
]


class Measure(_Shape):
    """A metric's place in a health model. Its weight is in points of the score; parts of an equal group have none."""

    metric: StrictStr
    weight: Weight | None = None
    scale: Annotated[Scale, OneOf("keepwell.health.scales", Scale)]
    missing: MissingPolicy | None = None
    fresh_within: Period | None = None


class Group(_Shape):
    """Parts that belong together; their weights add up to the group's, or are equal shares of it."""

    id: Name
    title: StrictStr
    about: StrictStr = ""
    weight: Weight | None = None
    weights: Literal["equal"] | None = None
    parts: Annotated[tuple["Part", ...], Field(min_length=1)]


def _part_tag(value: object) -> str:
    written = value if isinstance(value, Mapping) else vars(value) if isinstance(value, BaseModel) else {}
    return "a group" if "parts" in written or ("metric" not in written and "id" in written) else "a measure"


Part = Annotated[Annotated[Measure, Tag("a measure")] | Annotated[Group, Tag("a group")], Discriminator(_part_tag)]


class TrendRule(_Shape):
    """The trend compares with the score `days` earlier; a change of up to `stable_within` points is stable."""

    days: Annotated[int, Field(gt=0, le=730, strict=True)] = 30
    stable_within: Annotated[Score, Field(ge=0, le=100)] = Decimal(5)


class MissingRule(_Shape):
    """What a missing value does by default, and the share of the weight that must have data for a known score."""

    default: MissingPolicy = "redistribute_in_group"
    min_coverage: Share = Decimal("0.6")


class HealthModel(_Shape):
    """One health model as written in `model.yaml`."""

    model: Name
    title: StrictStr
    about: StrictStr = ""
    version: Version
    edges: Edges = "lower_inclusive"
    bands: tuple[Band, ...]
    hysteresis: Hysteresis = Hysteresis()
    trend: TrendRule = TrendRule()
    missing: MissingRule = MissingRule()
    groups: Annotated[tuple[Group, ...], Field(min_length=1)]

    def walk(self) -> Iterator[tuple[Path, Measure | Group]]:
        """Every group and measure with its path in the file, parents first, in file order."""
        for number, group in enumerate(self.groups):
            yield from _walk(("groups", number), group)

    def measures(self) -> tuple[Measure, ...]:
        return tuple(part for _, part in self.walk() if isinstance(part, Measure))

    def metrics(self) -> tuple[str, ...]:
        """The metrics the score reads, each once, in file order."""
        return tuple(dict.fromkeys(measure.metric for measure in self.measures()))

    def fresh_days(self) -> dict[str, int]:
        """How old, in days, the newest event of a metric may be, for the metrics that have such a limit."""
        return {part.metric: part.fresh_within.days for part in self.measures() if part.fresh_within is not None}

    def policy(self, measure: Measure) -> MissingPolicy:
        return self.missing.default if measure.missing is None else measure.missing


def _walk(path: Path, part: Measure | Group) -> Iterator[tuple[Path, Measure | Group]]:
    yield path, part
    if isinstance(part, Group):
        for number, inner in enumerate(part.parts):
            yield from _walk((*path, "parts", number), inner)
