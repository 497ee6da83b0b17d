"""Local wall-clock times to instants, for whole columns at once.

Rule: a wall time in the hour that a clock skips is the first instant after the gap; one in the hour that a clock
repeats is the first of the two.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pyarrow as pa

FIRST_YEAR, LAST_YEAR = 1970, 2100
BEFORE_ALL = -(2**62)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def zone_shifts(zone: str) -> pa.Table:
    """`local_from`, `shift`, `utc_from` in microseconds, ascending.

    A wall time takes the last row whose `local_from` is not after it; its instant is the later of wall time minus
    `shift` and `utc_from`. After the year 2100 the shift of that year goes on.
    """
    place = ZoneInfo(zone)
    shift = _shift(place, datetime(FIRST_YEAR, 1, 1, tzinfo=UTC))
    rows = [(BEFORE_ALL, shift, BEFORE_ALL)]
    for change in _changes(place):
        utc = _microseconds(change - _EPOCH)
        rows.append((utc + shift, _shift(place, change), utc))
        shift = rows[-1][1]
    local_from, shifts, utc_from = zip(*rows, strict=True)
    return pa.table({"local_from": local_from, "shift": shifts, "utc_from": utc_from})


def _changes(place: ZoneInfo) -> list[datetime]:
    """The seconds at which the zone's shift changes; two changes within a week and back are not seen."""
    found = []
    day, end = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(LAST_YEAR, 1, 1, tzinfo=UTC)
    while day < end:
        following = day + timedelta(days=7)
        if _shift(place, day) != _shift(place, following):
            found.append(_first_second(place, day, following))
        day = following
    return found


def _first_second(place: ZoneInfo, low: datetime, high: datetime) -> datetime:
    before = _shift(place, low)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if _shift(place, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _shift(place: ZoneInfo, at: datetime) -> int:
    return _microseconds(at.astimezone(place).utcoffset() or timedelta())


def _microseconds(length: timedelta) -> int:
    return length // timedelta(microseconds=1)
