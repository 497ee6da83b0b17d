"""The only place where a value becomes part of an SQL text.

Column names of a file never appear in SQL: readers call the columns c0, c1, … What does appear, such as the words of a
map, goes through `literal`.
"""

from collections.abc import Iterable, Mapping
from string import Template
from typing import Any

import duckdb

Literal = str | int | float | bool | None


def literal(value: Literal) -> str:
    """The value as DuckDB reads it; texts are quoted, and NUL characters, which SQL cannot hold, are refused."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value!r}::DOUBLE"
    if "\0" in value:
        raise ValueError("a text with a NUL character cannot be part of a query.")
    return "'" + value.replace("'", "''") + "'"


def literals(values: Iterable[Literal]) -> str:
    """The values as the inside of an IN list; an empty one holds NULL, so that nothing is in it."""
    return ", ".join(literal(value) for value in values) or "NULL"


def fill(template: str, **parts: str) -> str:
    """The template with its $names replaced by parts that are SQL already."""
    return Template(template).substitute(parts)


def choose(value: str, table: Mapping[str, Literal], otherwise: str) -> str:
    """What the table gives for the text `value`, and the SQL of `otherwise` for a text that it does not hold."""
    branches = " ".join(f"WHEN {literal(word)} THEN {literal(result)}" for word, result in table.items())
    return f"(CASE {value} {branches} ELSE {otherwise} END)" if branches else otherwise


def all_of(conditions: Iterable[str]) -> str:
    return "(" + (" AND ".join(conditions) or "TRUE") + ")"


def any_of(conditions: Iterable[str]) -> str:
    return "(" + (" OR ".join(conditions) or "FALSE") + ")"


def one_row(database: duckdb.DuckDBPyConnection, query: str, values: Iterable[Literal] = ()) -> tuple[Any, ...]:
    """The first row of an answer, read to its end: an answer left open keeps the connection busy."""
    return database.execute(query, list(values)).fetchall()[0]
