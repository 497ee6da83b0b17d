"""DuckDB connections, all set up alike."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any

import duckdb


@contextmanager
def session(database: duckdb.DuckDBPyConnection | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A session in UTC that keeps the order of rows only where a query asks for one.

    Sessions of one database share its cache of files and nothing else. Without one it is that of the process: to
    open a database takes thirty times as long as to open a session.
    """
    opened = (_of_process() if database is None else database).cursor()
    try:
        opened.execute("SET TimeZone = 'UTC'")
        opened.execute("SET enable_progress_bar = false")
        opened.execute("SET preserve_insertion_order = false")
        # Files of the log never change, so their footers are read once per database.
        opened.execute("SET parquet_metadata_cache = true")
        yield opened
    finally:
        opened.close()


@cache
def _of_process() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def rows(query: str) -> list[dict[str, Any]]:
    """The rows of an answer, each by the names of its columns; all are fetched, so for small answers."""
    with session() as database:
        found: list[dict[str, Any]] = database.sql(query).to_arrow_table().to_pylist()
    return found


def text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"


def name(value: str) -> str:
    """An identifier."""
    return '"' + value.replace('"', '""') + '"'


def instant(value: datetime) -> str:
    """A literal of an aware instant."""
    return f"TIMESTAMPTZ {text(value.isoformat(sep=' '))}"


def files(paths: Sequence[str], *, with_name: bool = False) -> str:
    """A scan of Parquet files as one relation, with a column `filename` if asked."""
    listed = ", ".join(text(path) for path in paths)
    return f"read_parquet([{listed}], filename = true)" if with_name else f"read_parquet([{listed}])"
