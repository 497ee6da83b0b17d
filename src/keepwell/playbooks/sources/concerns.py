"""What was seen, in words for the contact: the sentence of each metric whose value lies in the range beside it.

`of` lists them in the order in which they are told: `metric`, `when` (a range such as `below: 0.9`) and `say`, without
its full stop. A metric that is missing says nothing.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from keepwell.base.shape import Name
from keepwell.metrics.event_filter import Range
from keepwell.metrics.events import SIGNS
from keepwell.playbooks.field_facts import Ask, FieldFacts
from keepwell.playbooks.field_source import FieldSource, SourcePackage, metric_problem
from keepwell.playbooks.product_text import Line, TextShape
from keepwell.playbooks.template_field import MOST_ENTRIES, FieldType, Value


class Seen(TextShape):
    metric: Name
    when: Range
    say: Line

    def holds(self, value: float | None) -> bool:
        return value is not None and all(SIGNS[sign](value, limit) for sign, limit in self.when.ends())


class Concerns(FieldSource):
    kind: Literal["concerns"] = "concerns"
    of: Annotated[tuple[Seen, ...], Field(min_length=1, max_length=MOST_ENTRIES)]
    most: Annotated[int, Field(ge=1, le=MOST_ENTRIES, strict=True)] = 3

    gives: ClassVar[Sequence[FieldType]] = ("texts",)

    def problems(self, package: SourcePackage) -> Iterator[str]:
        for one in self.of:
            yield from metric_problem(package, one.metric)

    def ask(self, package: SourcePackage) -> Ask:
        return Ask(metrics={one.metric: package.metrics[one.metric] for one in self.of})

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        return [one.say for one in self._seen(facts)][: self.most] or None

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        titles = dict.fromkeys(package.metrics[one.metric].title for one in self._seen(facts)[: self.most])
        return f"the metrics {', '.join(titles)}"

    def _seen(self, facts: FieldFacts) -> list[Seen]:
        return [one for one in self.of if one.holds(facts.values.get(one.metric))]
