"""What sources about a risen score have in common."""

from typing import Annotated

from pydantic import Field

from keepwell.playbooks.field_facts import Ask, FieldFacts, ScoreFacts
from keepwell.playbooks.field_source import FieldSource, SourcePackage


class ScoreSource(FieldSource):
    days: Annotated[int, Field(ge=1, le=366, strict=True)] = 30
    at_least: Annotated[int, Field(ge=1, le=100, strict=True)] = 5

    def ask(self, package: SourcePackage) -> Ask:
        return Ask(score_days=self.days)

    def risen(self, facts: FieldFacts) -> ScoreFacts | None:
        """The score, if it has risen by enough points from its lowest."""
        score = facts.score
        return score if score is not None and score.points - score.lowest >= self.at_least else None

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        return f"the scores of the last {self.days} days"
