"""The days of a simulated history and how well each account does on each of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def random_stream(seed: int, subject: str) -> np.random.Generator:
    """Chance of one subject; drawing more for one subject leaves the others as they were."""
    return np.random.default_rng([seed, crc32(subject.encode())])


@dataclass(frozen=True, slots=True)
class Calendar:
    """Whole UTC days, the last of which holds the end; instants are microseconds since 1970."""

    first_day: int
    days: int
    start: int
    until: int
    weekday: Integers
    day_of_year: Integers

    def day_start(self, day: Integers) -> Integers:
        return self.first_day + day * DAY

    def holds(self, at: Integers) -> Booleans:
        """Instants inside the history: from its start on and before its end."""
        return (at >= self.start) & (at < self.until)


def calendar(days: int, until: datetime) -> Calendar:
    end = (until - _EPOCH) // timedelta(microseconds=1)
    last_day = (end - 1) // DAY
    first = last_day - days
    numbers = np.arange(first, last_day + 1, dtype=np.int64)
    dates = numbers.astype("datetime64[D]")
    return Calendar(
        first_day=first * DAY,
        days=len(numbers),
        start=end - days * DAY,
        until=end,
        weekday=(numbers + 3) % 7,  # 1970-01-01 was a Thursday; 0 is Monday
        day_of_year=(dates - dates.astype("datetime64[Y]")).astype(np.int64),
    )


def season(days: Calendar) -> Floats:
    """Factor of the year's rhythm: a quiet summer and quiet weeks around the new year."""
    day = days.day_of_year
    summer = 1 - 0.15 * np.exp(-(((day - 215) / 22.0) ** 2))
    new_year = 1 - 0.5 * np.exp(-((np.minimum(np.abs(day - 361), np.abs(day + 4)) / 6.0) ** 2))
    return np.asarray(summer * new_year, dtype=np.float64)


def week(days: Calendar, weekend: float) -> Floats:
    """Factor of the week's rhythm, with `weekend` on Saturday and Sunday."""
    working = np.array([1.0, 1.06, 1.05, 1.0, 0.88, weekend, weekend * 0.9])
    return working[days.weekday]
