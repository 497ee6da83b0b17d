"""A condition that should hold of no row, such as an end before its start."""

from collections.abc import Iterator
from typing import Literal

from keepwell.connectors.checks.check import Check, Rows
from keepwell.connectors.condition import Conditions, Place, condition_sql
from keepwell.connectors.sql_text import all_of, fill, literal


class Never(Check):
    kind: Literal["never"] = "never"
    when: Conditions

    def uses(self) -> Iterator[tuple[Place, str]]:
        for index, condition in enumerate(self.when):
            yield from ((("when", index, *place), column) for place, column in condition.columns())

    def time_columns(self) -> Iterator[str]:
        for condition in self.when:
            yield from condition.time_columns()

    def judged(self, rows: Rows) -> str:
        return all_of(condition_sql(condition, rows.own) for condition in self.when) + " IS NOT NULL"

    def breaches(self, rows: Rows) -> str:
        holds = all_of(condition_sql(condition, rows.own) for condition in self.when)
        return fill("SELECT line, $words AS words FROM seen WHERE $holds", words=literal(self.title), holds=holds)
