"""A property has one type over all events, because the event log keeps it in one column."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Check, Issue, error
from keepwell.health.package import Package


class OneTypePerProperty(Check):
    kind: ClassVar[Literal["one_type_per_property"]] = "one_type_per_property"

    def issues(self, package: Package) -> Iterator[Issue]:
        first: dict[str, tuple[str, str]] = {}
        for event_name, event in package.catalogue.events.items():
            for name, shape in event.properties.items():
                owner, known = first.setdefault(name, (event_name, shape.type))
                if known != shape.type:
                    sentence = f"event '{event_name}': '{name}' is {shape.type} here and {known} in '{owner}'."
                    yield error(package.event_spots[event_name].problem(sentence, "properties", name))
