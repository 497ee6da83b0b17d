"""Every weight is above 0. What should not count is left out of the health model."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Check, Issue, error, parts_of
from keepwell.health.health_model import Group
from keepwell.health.package import Package


class WeightsPositive(Check):
    kind: ClassVar[Literal["weights_positive"]] = "weights_positive"

    def issues(self, package: Package) -> Iterator[Issue]:
        for _, source, path, part in parts_of(package):
            if part.weight is not None and part.weight <= 0:
                name = f"group '{part.id}'" if isinstance(part, Group) else f"measure '{part.metric}'"
                sentence = f"{name} weighs {part.weight}; a weight is above 0."
                yield error(source.problem((*path, "weight"), sentence))
