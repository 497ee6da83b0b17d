"""The one door to the wall clock.

Only `jobs`, `web` and `cli` hold a clock; everything below is handed `as_of` or `now`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Says what time it is, always aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still, for tests and replays of one moment."""

    at: datetime

    def now(self) -> datetime:
        return self.at
