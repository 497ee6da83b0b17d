"""The lowest health score of the last `days` days, from which it has risen by `at_least` points since. Missing
otherwise."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from keepwell.playbooks.field_facts import Ask, FieldFacts
from keepwell.playbooks.field_source import FieldSource, SourcePackage
from keepwell.playbooks.template_field import FieldType, Value


class LowestScore(FieldSource):
    kind: Literal["lowest_score"] = "lowest_score"
    days: Annotated[int, Field(ge=1, le=366, strict=True)] = 30
    at_least: Annotated[int, Field(ge=1, le=100, strict=True)] = 5

    gives: ClassVar[Sequence[FieldType]] = ("number",)

    def ask(self, package: SourcePackage) -> Ask:
        return Ask(score_days=self.days)

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        score = facts.score
        return round(score.lowest) if score is not None and score.points - score.lowest >= self.at_least else None

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        return f"the scores of the last {self.days} days"
