"""The same words in these columns appear in one row only."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from keepwell.connectors.checks.check import Check, Rows
from keepwell.connectors.condition import ColumnName, Place, as_list
from keepwell.connectors.sql_text import all_of, fill, literal


class Unique(Check):
    kind: Literal["unique"] = "unique"
    columns: Annotated[list[ColumnName], BeforeValidator(as_list)] = Field(min_length=1)

    def uses(self) -> Iterator[tuple[Place, str]]:
        yield from ((("columns", index), column) for index, column in enumerate(self.columns))

    def judged(self, rows: Rows) -> str:
        return all_of(f"{rows.own.text(column)} IS NOT NULL" for column in self.columns)

    def breaches(self, rows: Rows) -> str:
        return fill(
            """
            SELECT line, $words AS words FROM seen WHERE $judged
            QUALIFY row_number() OVER (PARTITION BY $columns ORDER BY line) > 1
            """,
            words=literal(f"an earlier row has the same {', '.join(self.columns)}"),
            judged=self.judged(rows),
            columns=", ".join(rows.own.text(column) for column in self.columns),
        )
