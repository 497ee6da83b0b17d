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
        known = tuple(package.event_spots)
        spelt = package.catalogue.names()
        for metric_id, metric in package.metrics.items():
            names = dict.fromkeys(name for events in metric.reads() for name in events.events)
            for name in names:
                if name in known:
                    continue
                hint = f" That is an alias of '{spelt[name]}'." if name in spelt else nearest(name, known)
                sentence = f"metric '{metric_id}': unknown event '{name}'.{hint}"
                yield error(package.metric_spots[metric_id].problem(sentence, "events"))
