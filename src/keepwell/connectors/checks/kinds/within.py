"""A row's day lies between two dates of its row in another file, such as usage within its own subscription.

The day on which the range ends belongs to it; an empty `to` leaves it open.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from keepwell.connectors.checks.check import Check, Rows
from keepwell.connectors.condition import ColumnName, Place, Word
from keepwell.connectors.sql_text import fill, literal

DAY_US = 86_400_000_000


class Within(Check):
    kind: Literal["within"] = "within"
    time: ColumnName
    key: ColumnName
    file: Word
    other_key: ColumnName
    from_: ColumnName = Field(alias="from")
    to: ColumnName

    def uses(self) -> Iterator[tuple[Place, str]]:
        yield ("time",), self.time
        yield ("key",), self.key

    def time_columns(self) -> Iterator[str]:
        yield self.time

    def other_file(self) -> str:
        return self.file

    def other_time_columns(self) -> tuple[str, ...]:
        return (self.from_, self.to)

    def other_columns(self) -> tuple[str, ...]:
        return (self.other_key, self.from_, self.to)

    def judged(self, rows: Rows) -> str:
        return f"{rows.own.instant(self.time)} IS NOT NULL AND {rows.own.text(self.key)} IS NOT NULL"

    def breaches(self, rows: Rows) -> str:
        return fill(
            """
            SELECT line, CASE WHEN NOT bool_or(found) THEN $absent ELSE $outside END AS words FROM (
                SELECT seen.line AS line, other.line IS NOT NULL AS found,
                    coalesce($at >= $start AND ($to_text IS NULL OR $at < $stop + $day), FALSE) AS inside
                FROM seen LEFT JOIN other ON $own_key = $other_key
                WHERE $judged
            ) GROUP BY line HAVING NOT bool_or(inside)
            """,
            absent=literal(f"{self.file} has no row with this {self.other_key}"),
            outside=literal(f"{self.time} is outside {self.from_} to {self.to} of its {self.other_key}"),
            at=rows.own.instant(self.time),
            day=str(DAY_US),
            start=rows.other.instant(self.from_),
            stop=rows.other.instant(self.to),
            to_text=rows.other.text(self.to),
            own_key=rows.own.text(self.key),
            other_key=rows.other.text(self.other_key),
            judged=self.judged(rows),
        )
