"""A scale agrees with its metric: where more is better it never falls, where less is better it never rises.

Where a middle is best (`better: middle`) a scale may do both.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Check, Issue, error, parts_of
from keepwell.health.health_model import Measure
from keepwell.health.package import Package


class ScalesAgree(Check):
    kind: ClassVar[Literal["scales_agree"]] = "scales_agree"

    def issues(self, package: Package) -> Iterator[Issue]:
        for _, source, path, part in parts_of(package):
            metric = package.metrics.get(part.metric) if isinstance(part, Measure) else None
            if not isinstance(part, Measure) or metric is None:
                continue
            if metric.better == "up" and not part.scale.rises():
                fault = "more is better, but the scale falls"
            elif metric.better == "down" and not part.scale.falls():
                fault = "less is better, but the scale rises"
            else:
                continue
            sentence = f"measure '{part.metric}': {fault}; mend the scale, or the metric's 'better: {metric.better}'."
            yield error(source.problem((*path, "scale"), sentence))
