"""What contacts of the account asked for in the last `days` days, what was asked for most first.

`of` says which text property of which event names it. A feature of the settings is told by its title, everything else
as it came, with spaces for underscores.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, StrictStr

from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.metric import Days
from keepwell.playbooks.field_facts import Ask, FieldFacts, ItemQuestion
from keepwell.playbooks.field_source import FieldSource, SourcePackage
from keepwell.playbooks.template_field import MOST_ENTRIES, FieldType, Value

LONGEST: Final = 100


class Requests(FieldSource):
    kind: Literal["requests"] = "requests"
    of: Annotated[Mapping[StrictStr, StrictStr], Field(min_length=1)]
    days: Days = 90
    most: Annotated[int, Field(ge=1, le=MOST_ENTRIES, strict=True)] = 3

    gives: ClassVar[Sequence[FieldType]] = ("texts",)

    def ask(self, package: SourcePackage) -> Ask:
        return Ask(
            items={
                event: ItemQuestion(EventFilter(events=(event,)), name, self.days) for event, name in self.of.items()
            }
        )

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        times = self._times(facts)
        features = package.texts.features
        asked = sorted(times, key=lambda name: (-times[name], name))[: self.most]
        return [features[name].title if name in features else _words(name) for name in asked] or None

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        return f"{sum(self._times(facts).values()):,} requests in the last {self.days} days"

    def _times(self, facts: FieldFacts) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for name, uses in self._counted(facts):
            found[name] = found.get(name, 0) + uses
        return found

    def _counted(self, facts: FieldFacts) -> Iterator[tuple[str, int]]:
        for event in self.of:
            yield from ((name, one.uses) for name, one in facts.items.get(event, {}).items() if name and one.uses)


def _words(name: str) -> str:
    return name.replace("_", " ")[:LONGEST]
