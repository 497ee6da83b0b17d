"""Ranges of days with the same key do not overlap, such as two subscriptions of an account at once.

A range may start on the day on which another one ends; an empty `to` leaves it open.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from keepwell.connectors.checks.check import Check, Rows
from keepwell.connectors.condition import ColumnName, Place
from keepwell.connectors.sql_text import fill, literal

END_OF_TIME_US = 253_402_300_800_000_000


class Overlap(Check):
    kind: Literal["overlap"] = "overlap"
    key: ColumnName
    from_: ColumnName = Field(alias="from")
    to: ColumnName

    def uses(self) -> Iterator[tuple[Place, str]]:
        yield ("key",), self.key
        yield ("from",), self.from_
        yield ("to",), self.to

    def time_columns(self) -> Iterator[str]:
        yield self.from_
        yield self.to

    def judged(self, rows: Rows) -> str:
        return f"{rows.own.text(self.key)} IS NOT NULL AND {rows.own.instant(self.from_)} IS NOT NULL"

    def breaches(self, rows: Rows) -> str:
        return fill(
            """
            SELECT line, $words AS words FROM (
                SELECT line, $start AS starts, max(coalesce($stop, $never)) OVER (
                    PARTITION BY $key ORDER BY $start, line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS busy
                FROM seen WHERE $judged
            ) WHERE starts < busy
            """,
            words=literal(f"it begins before an earlier one of its {self.key} ends"),
            start=rows.own.instant(self.from_),
            stop=rows.own.instant(self.to),
            never=str(END_OF_TIME_US),
            key=rows.own.text(self.key),
            judged=self.judged(rows),
        )
