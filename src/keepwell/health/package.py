"""A package: event catalogue, metrics and health models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from keepwell.base.errors import Problem
from keepwell.base.registry import OneOf
from keepwell.base.shape import FileName, Name
from keepwell.base.yaml_source import Path, Place, YamlSource
from keepwell.facts.catalogue import Catalogue, EventShape
from keepwell.health.health_model import HealthModel, Version
from keepwell.metrics.metric import Metric, with_used


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PackageHeader(_Shape):
    """`package.yaml`. `extends` names a package whose catalogue and metrics are inherited."""

    package: Name
    title: StrictStr
    about: StrictStr = ""
    version: Version
    models: Annotated[tuple[FileName, ...], Field(min_length=1)]
    extends: Name | None = None


class CatalogueFile(_Shape):
    events: Mapping[Name, EventShape]


class MetricsFile(_Shape):
    metrics: Mapping[Name, Annotated[Metric, OneOf("keepwell.metrics.kinds", Metric)]]


@dataclass(frozen=True, slots=True)
class PackageText:
    """The files of a package by name; `folder` is how messages call the place they are in."""

    folder: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Spot:
    """A value in a file."""

    source: YamlSource
    path: Path

    def problem(self, sentence: str, *further: str | int) -> Problem:
        return self.source.problem((*self.path, *further), sentence)


@dataclass(frozen=True, slots=True)
class Package:
    """A package with what it inherits.

    The spots say where each entry stands, which may be in the package that this one extends. An entry that could not
    be read has a spot too; `are_all_read` is false when entries may exist that nobody could see. `ancestors` are the
    ids of the package that this one extends, of the one that it extends, and so on.
    """

    header: PackageHeader
    catalogue: Catalogue
    metrics: Mapping[str, Metric]
    models: Mapping[str, HealthModel]
    header_source: YamlSource
    model_sources: Mapping[str, YamlSource]
    event_spots: Mapping[str, Spot] = field(default_factory=dict)
    metric_spots: Mapping[str, Spot] = field(default_factory=dict)
    are_all_read: bool = True
    ancestors: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.header.package

    def is_own(self, spot: Spot) -> bool:
        """Whether something was written in this package and not in the one that it extends."""
        return spot.source.file.rpartition("/")[0] == self.header_source.file.rpartition("/")[0]

    def metrics_of(self, model: HealthModel) -> dict[str, Metric]:
        """The metrics that a model reads, and the ones that those use."""
        return with_used(model.metrics(), self.metrics)


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a package: as much of it as could be read, and what is wrong with the rest.

    `unread` are the places (file, place) that stand in the package as fillings only. `package` is null when not even
    its header could be read.
    """

    package: Package | None
    problems: tuple[Problem, ...]
    unread: tuple[tuple[str, Place], ...] = ()
