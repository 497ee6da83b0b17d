"""Bands cover 0 to 100 once: the first begins at 0, each ends where the next begins, and there are at least two.

A band is written by where it begins (`lo`); if it says where it ends (`hi`), that is where the next one begins.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.base.yaml_source import YamlSource
from keepwell.health.checks.check import Check, Issue, error, models_of
from keepwell.health.health_model import HealthModel
from keepwell.health.package import Package


class BandsCover(Check):
    kind: ClassVar[Literal["bands_cover"]] = "bands_cover"

    def issues(self, package: Package) -> Iterator[Issue]:
        for model, source in models_of(package):
            yield from _bands(model, source)


def _bands(model: HealthModel, source: YamlSource) -> Iterator[Issue]:
    bands = model.bands
    if len(bands) < 2:
        yield error(
            source.problem(("bands",), f"a health model needs at least 2 bands; '{model.model}' has {len(bands)}.")
        )
    for number, band in enumerate(bands):
        after = bands[number + 1] if number + 1 < len(bands) else None
        before = bands[number - 1] if number else None
        if before is None and band.lo != 0:
            yield error(
                source.problem(
                    ("bands", 0, "lo"), f"the first band, '{band.id}', begins at {band.lo}; it must begin at 0."
                )
            )
        if before is not None and band.lo <= before.lo:
            sentence = f"band '{band.id}' begins at {band.lo}, not above {before.lo} where '{before.id}' begins."
            yield error(source.problem(("bands", number, "lo"), sentence))
        if not 0 <= band.lo < 100:
            sentence = f"band '{band.id}' begins at {band.lo}; a band begins at 0 or above and below 100."
            yield error(source.problem(("bands", number, "lo"), sentence))
        end = 100 if after is None else after.lo
        if band.hi is not None and band.hi != end:
            where = "the highest band ends at 100" if after is None else f"'{after.id}' begins at {after.lo}"
            fault = "leaves a gap" if band.hi < end else "overlaps"
            sentence = f"band '{band.id}' ends at {band.hi} and {fault}: {where}."
            yield error(source.problem(("bands", number, "hi"), sentence))
