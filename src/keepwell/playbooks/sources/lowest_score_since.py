"""Since when the score has risen from its lowest of the last `days` days: `since 3 March 2027`. Missing like
`lowest_score`."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from keepwell.base.wall_time import local_time
from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import SourcePackage
from keepwell.playbooks.score_source import ScoreSource
from keepwell.playbooks.template_field import FieldType, Value
from keepwell.playbooks.template_filter import long_date


class LowestScoreSince(ScoreSource):
    kind: Literal["lowest_score_since"] = "lowest_score_since"

    gives: ClassVar[Sequence[FieldType]] = ("text",)

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        score = self.risen(facts)
        if score is None:
            return None
        return f"since {long_date(local_time(score.lowest_at, facts.zone).date().isoformat())}"
