"""The margin for leaving a band is smaller than the narrowest band, or a score could cross one without being in it."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import ClassVar, Literal

from keepwell.health.checks.check import Check, Issue, error, models_of
from keepwell.health.package import Package


class HysteresisFits(Check):
    kind: ClassVar[Literal["hysteresis_fits"]] = "hysteresis_fits"

    def issues(self, package: Package) -> Iterator[Issue]:
        for model, source in models_of(package):
            edges = [*(band.lo for band in model.bands), Decimal(100)]
            widths = [(high - low, band.id) for (low, high), band in zip(pairwise(edges), model.bands, strict=True)]
            width, band = min(widths, key=lambda one: one[0], default=(Decimal(100), ""))
            margin = model.hysteresis.leave_margin
            if 0 < width <= margin:
                sentence = f"leave_margin is {margin}, but band '{band}' is only {width} wide."
                yield error(source.problem(("hysteresis", "leave_margin"), sentence))
