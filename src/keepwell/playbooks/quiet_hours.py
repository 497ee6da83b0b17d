"""The hours in which nothing is sent: those that a clock on the contact's wall shows, whatever it was put to.

They are half open: at their end messages leave again. An hour that the clock repeats is quiet both times.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from keepwell.base.wall_time import instant_of, local_time, parse_wall_time

_DAY: Final = timedelta(days=1)
_FORM: Final = "hours with a beginning and another end, such as '20:00-08:00', or '' for none"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of day to another, over midnight where the end is the earlier of the two."""

    begin: time
    end: time

    def holds(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether it is quiet at an instant."""
        shown = local_time(at, zone).time()
        if self.begin < self.end:
            return self.begin <= shown < self.end
        return shown >= self.begin or shown < self.end

    def over_at(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The instant itself where it is not quiet, otherwise the first end of quiet hours after it."""
        while self.holds(at, zone):
            at = min(end for end in self._ends(at, zone) if end > at)
        return at

    def _ends(self, at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        today = local_time(at, zone).date()
        for day in (today, today + _DAY, today + 2 * _DAY):
            wall = datetime.combine(day, self.end)
            yield instant_of(wall, zone)
            # A clock that is put back may show the end a second time.
            again = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
            if local_time(again, zone) == wall:
                yield again


def read_quiet_hours(text: str) -> QuietHours | None:
    """'20:00-08:00', None for no text; a ValueError says what was expected."""
    if not text:
        return None
    begin, _, end = text.partition("-")
    try:
        found = QuietHours(parse_wall_time(begin.strip()), parse_wall_time(end.strip()))
    except ValueError:
        raise ValueError(_FORM) from None
    if found.begin == found.end:
        raise ValueError(_FORM)
    return found
