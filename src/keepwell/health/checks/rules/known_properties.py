"""A metric reads properties that at least one of its events carries, and of the type that it needs.

A `boolean` and a `time` can be read as numbers.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from keepwell.base.errors import nearest
from keepwell.health.checks.check import Check, Issue, error
from keepwell.health.package import Package
from keepwell.metrics.metric import Metric


class KnownProperties(Check):
    kind: ClassVar[Literal["known_properties"]] = "known_properties"

    def issues(self, package: Package) -> Iterator[Issue]:
        if not package.are_all_read:
            return
        for metric_id, metric in package.metrics.items():
            spot = package.metric_spots[metric_id]
            for name, sentence in property_sentences(metric, package):
                yield error(spot.problem(f"metric '{metric_id}': {sentence}", *_place(metric, name)))


def _place(metric: Metric, name: str) -> tuple[str, ...]:
    """Where a metric probably names a property; places that are not written are left out."""
    is_condition = any(name in events.where for events in metric.reads())
    return ("where", name) if is_condition else ("property",)


def property_sentences(metric: Metric, package: Package) -> Iterator[tuple[str, str]]:
    """The properties that a metric cannot read, each with what is wrong."""
    told: set[str] = set()
    for events in metric.reads():
        carried = _carried(events.events, package)
        for name in events.properties():
            if carried is not None and name not in carried:
                told.add(name)
                yield name, _lacking(name, carried)
    everything = _carried(tuple(name for events in metric.reads() for name in events.events), package)
    for name, needed in metric.properties().items():
        if everything is None or name in told:
            continue
        if name not in everything:
            yield name, _lacking(name, everything)
        elif (everything[name] == "text") != (needed == "text"):
            yield name, f"it reads '{name}' as {needed}, but the catalogue declares {everything[name]}."


def _lacking(name: str, carried: Mapping[str, str]) -> str:
    return f"none of its events carries the property '{name}'.{nearest(name, tuple(carried))}"


def _carried(events: tuple[str, ...], package: Package) -> dict[str, str] | None:
    """The properties of the events with their types; None when an event could not be read or is not known."""
    if any(name not in package.catalogue.events for name in events):
        return None
    declared = [package.catalogue.events[name].properties for name in events]
    return {name: shape.type for properties in declared for name, shape in properties.items()}
