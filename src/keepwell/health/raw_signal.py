"""What a health model reads in the end: raw signals, and how much of the score hangs on each.

A raw signal is an event, or one property of an event. A signal that several measures read counts several times, which
may be meant but should be seen: its total is the weight of all measures that read it, so totals together exceed 100.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from keepwell.health.health_model import HealthModel
from keepwell.health.package import Package
from keepwell.health.weight import WeightTree
from keepwell.metrics.metric import Metric


@dataclass(frozen=True, slots=True, order=True)
class RawSignal:
    """`property` is "" where only the happening of the event counts."""

    event: str
    property: str = ""

    def __str__(self) -> str:
        return f"{self.event}.{self.property}" if self.property else self.event


@dataclass(frozen=True, slots=True)
class SignalWeight:
    """The total effective weight of a raw signal, in 1e-9 points, and the metrics that read it."""

    signal: RawSignal
    nano: int
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    events: tuple[str, ...]
    where: str
    properties: tuple[str, ...]


def signal_weights(package: Package, model: HealthModel) -> tuple[SignalWeight, ...]:
    """Every raw signal of a model with its total weight, the heaviest first."""
    found: dict[RawSignal, dict[str, int]] = {}
    for measure, nano in zip(model.measures(), WeightTree(model).nominal, strict=True):
        for signal in _signals(measure.metric, package):
            readers = found.setdefault(signal, {})
            readers[measure.metric] = readers.get(measure.metric, 0) + nano
    weighed = [SignalWeight(signal, sum(readers.values()), tuple(readers)) for signal, readers in found.items()]
    return tuple(sorted(weighed, key=lambda one: (-one.nano, one.signal)))


def same_source(metric: Metric) -> frozenset[object]:
    """Equal for metrics that read the same events under the same conditions and the same property of them."""
    properties = metric.properties()
    return frozenset(
        _Read(
            tuple(sorted(events.events)),
            repr(sorted((name, repr(wanted)) for name, wanted in events.where.items())),
            tuple(sorted(name for name in properties if name not in events.where)),
        )
        for events in metric.reads()
    )


def _signals(metric_id: str, package: Package) -> set[RawSignal]:
    """The signals of a metric and of those it uses."""
    found: set[RawSignal] = set()
    for metric in _with_used(metric_id, package.metrics):
        wanted = metric.properties()
        for events in metric.reads():
            for event in events.events:
                carried = package.catalogue.events[event].properties if event in package.catalogue.events else {}
                told = [name for name in wanted if name in carried and name not in events.where]
                found.update(RawSignal(event, name) for name in told or [""])
    return found


def _with_used(metric_id: str, metrics: Mapping[str, Metric]) -> list[Metric]:
    names = [metric_id]
    for name in names:
        names += [other for other in (metrics[name].uses() if name in metrics else ()) if other not in names]
    return [metrics[name] for name in names if name in metrics]
