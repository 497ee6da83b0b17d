"""The ledger: what became of every event that came in, by source, key and hour.

received = accepted + duplicate + conflict + rejected + waiting in the inbox, at every moment, because
every change of a count is written in the transaction of what it counts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from django.db import connection

Outcome = Literal["received", "accepted", "duplicate", "conflict", "rejected"]

# What a statement is given for one row.
Row = tuple[int | str | bytes | datetime | None, ...]

ROWS_A_STATEMENT: Final = 500
_COUNTS: Final = "store_ledgercount (source, key, hour, outcome, reason, count)"
_ADDED: Final = (
    "ON CONFLICT (source, key, hour, outcome, reason) DO UPDATE SET count = store_ledgercount.count + excluded.count"
)


class Entry(NamedTuple):
    """One line of the ledger; `reason` is the code of a rejection."""

    source: int
    key: int
    hour: datetime
    outcome: Outcome
    reason: str = ""


Counts = Counter[Entry]


def hour_of(moment: datetime) -> datetime:
    """The hour of the ledger that a moment falls in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def stored_time(moment: datetime) -> datetime | str | None:
    """A moment as a parameter of a statement that goes past the models."""
    if connection.vendor == "sqlite":
        # What Django makes of it, in a tenth of the time.
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    return connection.ops.adapt_datetimefield_value(moment)


def add_counts(counts: Mapping[Entry, int]) -> None:
    """Add to the ledger; call it inside the transaction of what is counted."""
    # Always in one order, so that two writers cannot wait for each other.
    rows: list[Row] = [
        (entry.source, entry.key, stored_time(entry.hour), entry.outcome, entry.reason, count)
        for entry, count in sorted(counts.items())
        if count
    ]
    insert_rows(_COUNTS, rows, _ADDED)


def insert_rows(table: str, rows: Sequence[Row], otherwise: str = "") -> None:
    """Insert rows past the models, many in one statement.

    A statement per row would hand the interpreter's lock to and fro for each of them, and whoever reads requests
    meanwhile keeps it for milliseconds.
    """
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        part = rows[start : start + ROWS_A_STATEMENT]
        row = f"({', '.join(['%s'] * len(part[0]))})"
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} VALUES {', '.join([row] * len(part))} {otherwise}",  # noqa: S608  # our own text
                [value for told in part for value in told],
            )
