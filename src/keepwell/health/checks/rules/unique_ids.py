"""Ids of bands and groups are unique in a health model, and a metric stands in a group once."""

from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal

from keepwell.base.yaml_source import Path, YamlSource
from keepwell.health.checks.check import Check, Issue, error, models_of
from keepwell.health.health_model import Group
from keepwell.health.package import Package

RESERVED = "unknown"


class UniqueIds(Check):
    kind: ClassVar[Literal["unique_ids"]] = "unique_ids"

    def issues(self, package: Package) -> Iterator[Issue]:
        for model, source in models_of(package):
            bands: list[tuple[Path, str]] = [
                (("bands", number, "id"), band.id) for number, band in enumerate(model.bands)
            ]
            yield from _repeated(source, "band", bands)
            for path, name in bands:
                if name == RESERVED:
                    yield error(
                        source.problem(path, f"'{RESERVED}' is what an account without a score has; rename the band.")
                    )
            groups: list[tuple[Path, str]] = [
                ((*path, "id"), part.id) for path, part in model.walk() if isinstance(part, Group)
            ]
            yield from _repeated(source, "group", groups)
            for path, part in model.walk():
                if isinstance(part, Group):
                    measures: list[tuple[Path, str]] = [
                        ((*path, "parts", number, "metric"), inner.metric)
                        for number, inner in enumerate(part.parts)
                        if not isinstance(inner, Group)
                    ]
                    yield from _repeated(source, f"group '{part.id}': metric", measures)


def _repeated(source: YamlSource, noun: str, named: Iterable[tuple[Path, str]]) -> Iterator[Issue]:
    first: dict[str, int] = {}
    for path, name in named:
        if name in first:
            yield error(source.problem(path, f"{noun} '{name}' is given twice; first on line {first[name]}."))
        first.setdefault(name, source.line(path))
