"""The ledger: what became of every event that came in, by source, key and hour.

received = accepted + duplicate + conflict + rejected + waiting in the inbox, at every moment, because
every change of a count is written in the transaction of what it counts.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from django.db import connection

Outcome = Literal["received", "accepted", "duplicate", "conflict", "rejected"]

_ADD: Final = (
    "INSERT INTO store_ledgercount (source, key, hour, outcome, reason, count) VALUES (%s, %s, %s, %s, %s, %s) "
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
    return connection.ops.adapt_datetimefield_value(moment)


def add_counts(counts: Mapping[Entry, int]) -> None:
    """Add to the ledger; call it inside the transaction of what is counted."""
    # Always in one order, so that two writers cannot wait for each other.
    rows = [
        (entry.source, entry.key, stored_time(entry.hour), entry.outcome, entry.reason, count)
        for entry, count in sorted(counts.items())
        if count
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_ADD, rows)
