"""The event names a log has seen, as codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NameCode:
    """The integer the log uses for an event name, and when the log first knew of one such event.

    Where a mapping moved that moment, `first_known_at` holds from mapping `since` on, and `before` holds until then.
    """

    code: int
    first_known_at: datetime
    since: int = 0
    before: datetime | None = None

    def under(self, mapping: int) -> "NameCode":
        """As it is for a log whose rows were derived by this mapping."""
        return NameCode(self.code, self.before) if self.before is not None and mapping < self.since else self


NameCodes = Mapping[str, NameCode]
