"""A package: event catalogue, metrics and health models, as texts become objects.

Loading is pure: it is handed the texts of the files and of the packages that may be extended. Everything wrong is
told at once, and what is right is still there to be checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from keepwell.base.yaml_source import Path, YamlSource
from keepwell.facts.catalogue import Catalogue, Name
from keepwell.health.health_model import HealthModel, Version
from keepwell.metrics.metric import Metric

HEADER = "package.yaml"
CATALOGUE = "catalogue.yaml"
METRICS = "metrics.yaml"
FileName = Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_]*\.yaml$", max_length=63)]


class PackageHeader(BaseModel):
    """`package.yaml`. `extends` names a package whose catalogue and metrics are inherited."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    package: Name
    title: StrictStr
    about: StrictStr = ""
    version: Version
    models: Annotated[tuple[FileName, ...], Field(min_length=1)]
    extends: Name | None = None


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

    def line(self, *further: str | int) -> int:
        return self.source.line((*self.path, *further))


@dataclass(frozen=True, slots=True)
class Package:
    """A package with what it inherits.

    `event_spots` and `metric_spots` say where each entry was written, which may be in the package it extends.
    """

    header: PackageHeader
    catalogue: Catalogue
    metrics: Mapping[str, Metric]
    models: Mapping[str, HealthModel]
    header_source: YamlSource
    model_sources: Mapping[str, YamlSource]
    event_spots: Mapping[str, Spot] = field(default_factory=dict)
    metric_spots: Mapping[str, Spot] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.header.package
