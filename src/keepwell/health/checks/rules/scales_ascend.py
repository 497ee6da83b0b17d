"""The values of a scale ascend and its points lie between 0 and 100."""

from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar, Literal

from keepwell.health.checks.check import Check, Issue, error, parts_of
from keepwell.health.health_model import Measure
from keepwell.health.package import Package


class ScalesAscend(Check):
    kind: ClassVar[Literal["scales_ascend"]] = "scales_ascend"

    def issues(self, package: Package) -> Iterator[Issue]:
        for _, source, path, part in parts_of(package):
            if not isinstance(part, Measure):
                continue
            place = (*path, "scale")
            corners = part.scale.corners()
            for (low, _), (high, _) in pairwise(corners):
                if low >= high:
                    sentence = (
                        f"measure '{part.metric}': the scale goes from {low:g} to {high:g}; its values must ascend."
                    )
                    yield error(source.problem(place, sentence))
            for value, points in corners:
                if not 0 <= points <= 100:
                    sentence = (
                        f"measure '{part.metric}': the scale gives {points:g} points at {value:g}; expected 0 to 100."
                    )
                    yield error(source.problem(place, sentence))
