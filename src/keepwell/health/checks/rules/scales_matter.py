"""A scale gives different points to different values; one that never moves tells nothing and only adds points."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Check, Issue, error, parts_of
from keepwell.health.health_model import Measure
from keepwell.health.package import Package


class ScalesMatter(Check):
    kind: ClassVar[Literal["scales_matter"]] = "scales_matter"

    def issues(self, package: Package) -> Iterator[Issue]:
        for _, source, path, part in parts_of(package):
            if isinstance(part, Measure) and len({points for _, points in part.scale.corners()}) < 2:
                sentence = f"measure '{part.metric}': the scale gives every value the same points."
                yield error(source.problem((*path, "scale"), sentence))
