"""Instants as whole microseconds since 1970 UTC, as the log and the inbox keep them."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Exact: no floating point is involved."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def instant(count: int) -> datetime:
    """The moment so many microseconds after 1970, in UTC; raises OverflowError beyond the year 9999."""
    return EPOCH + timedelta(microseconds=count)
