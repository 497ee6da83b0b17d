"""The event names a log has seen, as codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NameCode:
    """The integer the log uses for an event name, and when the log first knew of one such event."""

    code: int
    first_known_at: datetime


NameCodes = Mapping[str, NameCode]
