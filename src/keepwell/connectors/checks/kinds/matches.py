"""A flag of a row agrees with another file: rows for which `rows` holds have a row there, the others have none."""

from collections.abc import Iterator
from typing import Literal

from keepwell.connectors.checks.check import Check, Rows
from keepwell.connectors.condition import ColumnName, Condition, Place, Word, condition_sql
from keepwell.connectors.sql_text import fill, literal


class Matches(Check):
    kind: Literal["matches"] = "matches"
    rows: Condition
    key: ColumnName
    file: Word
    other_key: ColumnName

    def uses(self) -> Iterator[tuple[Place, str]]:
        yield ("key",), self.key
        yield from ((("rows", *place), column) for place, column in self.rows.columns())

    def time_columns(self) -> Iterator[str]:
        yield from self.rows.time_columns()

    def other_file(self) -> str:
        return self.file

    def other_columns(self) -> tuple[str, ...]:
        return (self.other_key,)

    def judged(self, rows: Rows) -> str:
        return f"{rows.own.text(self.key)} IS NOT NULL AND {condition_sql(self.rows, rows.own)} IS NOT NULL"

    def breaches(self, rows: Rows) -> str:
        return fill(
            """
            SELECT line, CASE WHEN flagged THEN $absent ELSE $present END AS words FROM (
                SELECT line, $flag AS flagged, $own_key IN (SELECT $other_key FROM other WHERE $other_key IS NOT NULL)
                    AS found
                FROM seen WHERE $judged
            ) WHERE flagged <> found
            """,
            absent=literal(f"the row says so, {self.file} has no row of this {self.other_key}"),
            present=literal(f"the row does not say so, {self.file} has a row of this {self.other_key}"),
            flag=condition_sql(self.rows, rows.own),
            own_key=rows.own.text(self.key),
            other_key=rows.other.text(self.other_key),
            judged=self.judged(rows),
        )
