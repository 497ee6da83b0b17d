"""The hysteresis of a health model names bands that it has."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.base.errors import nearest
from keepwell.health.checks.check import Check, Issue, error, models_of
from keepwell.health.package import Package


class KnownBands(Check):
    kind: ClassVar[Literal["known_bands"]] = "known_bands"

    def issues(self, package: Package) -> Iterator[Issue]:
        for model, source in models_of(package):
            known = tuple(band.id for band in model.bands)
            for number, name in enumerate(model.hysteresis.at_once):
                if name not in known:
                    sentence = f"hysteresis: unknown band '{name}'.{nearest(name, known)}"
                    yield error(source.problem(("hysteresis", "except", number), sentence))
