"""A metric that no health model weighs is named, because it may have been forgotten.

Signals, segments and pages may still read it, so this is only a warning, and only for the package's own metrics.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Check, Issue, models_of, warning
from keepwell.health.package import Package


class MetricsUsed(Check):
    kind: ClassVar[Literal["metrics_used"]] = "metrics_used"

    def issues(self, package: Package) -> Iterator[Issue]:
        used: set[str] = set()
        for model, _ in models_of(package):
            used.update(package.metrics_of(model))
        unused = [name for name, spot in package.metric_spots.items() if name not in used and package.is_own(spot)]
        if unused:
            some = ", ".join(f"'{name}'" for name in unused)
            sentence = f"no health model of this package weighs {some}; signals and pages may still read them."
            yield warning(package.metric_spots[unused[0]].problem(sentence))
