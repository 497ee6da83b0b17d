"""A measure and a mix name metrics that the package or the one it extends defines."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.base.errors import nearest
from keepwell.health.checks.check import Check, Issue, error, parts_of
from keepwell.health.health_model import Measure
from keepwell.health.package import Package


class KnownMetrics(Check):
    kind: ClassVar[Literal["known_metrics"]] = "known_metrics"

    def issues(self, package: Package) -> Iterator[Issue]:
        if not package.are_all_read:
            return
        known = tuple(package.metric_spots)
        for _, source, path, part in parts_of(package):
            if isinstance(part, Measure) and part.metric not in known:
                yield error(source.problem((*path, "metric"), _unknown(part.metric, known)))
        for metric_id, metric in package.metrics.items():
            for name in metric.uses():
                if name not in known:
                    sentence = f"metric '{metric_id}': {_unknown(name, known)}"
                    yield error(package.metric_spots[metric_id].problem(sentence))


def _unknown(name: str, known: tuple[str, ...]) -> str:
    return f"unknown metric '{name}'.{nearest(name, known)}"
