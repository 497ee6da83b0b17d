"""DuckDB connections, all set up alike."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import duckdb


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A private in-memory database in UTC that keeps the order of rows only where a query asks for one."""
    database = duckdb.connect()
    try:
        database.execute("SET TimeZone = 'UTC'")
        database.execute("SET preserve_insertion_order = false")
        yield database
    finally:
        database.close()


def text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"


def name(value: str) -> str:
    """An identifier."""
    return '"' + value.replace('"', '""') + '"'


def instant(value: datetime) -> str:
    """A literal of an aware instant."""
    return f"TIMESTAMPTZ {text(value.isoformat(sep=' '))}"


def files(paths: Sequence[str]) -> str:
    """A scan of Parquet files as one relation."""
    return f"read_parquet([{', '.join(text(path) for path in paths)}])"
