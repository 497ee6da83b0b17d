"""A metric reads events that the catalogue declares, by their own names and not by an alias."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.base.errors import nearest
from keepwell.health.checks.check import Check, Issue, error
from keepwell.health.package import Package


class KnownEvents(Check):
    kind: ClassVar[Literal["known_events"]] = "known_events"

    def issues(self, package: Package) -> Iterator[Issue]:
        if not package.are_all_read:
            return
        for metric_id, metric in package.metrics.items():
            names = dict.fromkeys(name for events in metric.reads() for name in events.events)
            for name in names:
                sentence = unknown_event(name, package)
                if sentence:
                    yield error(package.metric_spots[metric_id].problem(f"metric '{metric_id}': {sentence}", "events"))


def unknown_event(name: str, package: Package) -> str:
    """What is wrong with the name of an event; "" when the catalogue declares it."""
    if name in package.event_spots:
        return ""
    spelt = package.catalogue.names()
    hint = f" That is an alias of '{spelt[name]}'." if name in spelt else nearest(name, tuple(package.event_spots))
    return f"unknown event '{name}'.{hint}"
