"""A meeting that a contact is invited to."""

from dataclasses import dataclass
from datetime import datetime

from keepwell.base.wall_time import local_time, read_zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """From `starts_at` until `ends_at`, told by the clock of `zone`, the contact's. `place` is a link or words."""

    starts_at: datetime
    ends_at: datetime
    place: str
    zone: str

    def when_told(self) -> str:
        """Both ends by the contact's clock, with its zone."""
        zone = read_zone(self.zone)
        begin, end = local_time(self.starts_at, zone), local_time(self.ends_at, zone)
        until = f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%A %-d %B %Y, %H:%M}"
        return f"{begin:%A %-d %B %Y, %H:%M} to {until} ({self.zone})"
