"""The lowest health score of the last `days` days, from which it has risen by `at_least` points since. Missing
otherwise."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import SourcePackage
from keepwell.playbooks.score_source import ScoreSource
from keepwell.playbooks.template_field import FieldType, Value


class LowestScore(ScoreSource):
    kind: Literal["lowest_score"] = "lowest_score"

    gives: ClassVar[Sequence[FieldType]] = ("number",)

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        score = self.risen(facts)
        return round(score.lowest) if score is not None else None
