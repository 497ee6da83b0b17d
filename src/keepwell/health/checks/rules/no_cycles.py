"""No metric is computed from itself, not even by way of others."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import ClassVar, Literal

from keepwell.health.checks.check import Check, Issue, error
from keepwell.health.package import Package


class NoCycles(Check):
    kind: ClassVar[Literal["no_cycles"]] = "no_cycles"

    def issues(self, package: Package) -> Iterator[Issue]:
        uses = {name: metric.uses() for name, metric in package.metrics.items()}
        try:
            TopologicalSorter(uses).prepare()
        except CycleError as cycle:
            circle = list(reversed(cycle.args[1]))
            spot = package.metric_spots[circle[0]]
            yield error(spot.problem(f"metrics use each other in a circle: {' → '.join(circle)}."))
