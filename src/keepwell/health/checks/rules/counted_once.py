"""What is counted twice is named: a metric weighed twice, or two metrics that read the same raw signal.

The same raw signal is the same events under the same conditions and the same property of them. Counting twice may be
meant, so this is a warning; it tells the total weight that hangs on the signal.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar, Literal

from keepwell.base.yaml_source import Path, YamlSource
from keepwell.health.checks.check import Check, Issue, models_of, warning
from keepwell.health.health_model import HealthModel, Measure
from keepwell.health.package import Package
from keepwell.health.raw_signal import same_source
from keepwell.health.weight import NANO, WeightTree, can_be_weighed


class CountedOnce(Check):
    kind: ClassVar[Literal["counted_once"]] = "counted_once"

    def issues(self, package: Package) -> Iterator[Issue]:
        for model, source in models_of(package):
            if can_be_weighed(model):
                yield from _issues(package, model, source)


def _issues(package: Package, model: HealthModel, source: YamlSource) -> Iterator[Issue]:
    measures = [(path, part.metric) for path, part in model.walk() if isinstance(part, Measure)]
    groups: dict[object, list[tuple[Path, str, int]]] = {}
    for (path, name), nano in zip(measures, WeightTree(model).nominal, strict=True):
        metric = package.metrics.get(name)
        key = (same_source(metric) if metric else None) or name
        groups.setdefault(key, []).append((path, name, nano))
    for found in groups.values():
        if len(found) < 2:
            continue
        names = list(dict.fromkeys(name for _, name, _ in found))
        points = Decimal(sum(nano for *_, nano in found)) / NANO
        total = f"{points.quantize(Decimal('0.01')).normalize():f}"
        if len(names) == 1:
            told = f"metric '{names[0]}' is weighed {len(found)} times; together it weighs {total} of 100."
        else:
            several = ", ".join(f"'{name}'" for name in names[:-1])
            told = f"{several} and '{names[-1]}' read the same raw signal; together they weigh {total} of 100."
        yield warning(source.problem((*found[1][0], "metric"), told))
