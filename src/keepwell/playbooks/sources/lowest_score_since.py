"""Since when the score has risen from its lowest of the last `days` days: `since 3 March 2027`. Missing like
`lowest_score`."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from keepwell.base.wall_time import local_time
from keepwell.playbooks.field_facts import Ask, FieldFacts
from keepwell.playbooks.field_source import FieldSource, SourcePackage
from keepwell.playbooks.template_field import FieldType, Value
from keepwell.playbooks.template_filter import long_date


class LowestScoreSince(FieldSource):
    kind: Literal["lowest_score_since"] = "lowest_score_since"
    days: Annotated[int, Field(ge=1, le=366, strict=True)] = 30
    at_least: Annotated[int, Field(ge=1, le=100, strict=True)] = 5

    gives: ClassVar[Sequence[FieldType]] = ("text",)

    def ask(self, package: SourcePackage) -> Ask:
        return Ask(score_days=self.days)

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        score = facts.score
        if score is None or score.points - score.lowest < self.at_least:
            return None
        return f"since {long_date(local_time(score.lowest_at, facts.zone).date().isoformat())}"

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        return f"the scores of the last {self.days} days"
