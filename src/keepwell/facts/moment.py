"""The moments a question about the past names."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """A value as of `as_of`, from events that happened before `happened_before` and were known before `known_before`.

    The two cuts are `as_of` itself except where an explanation asks what a value would have been
    without the newer facts.
    """

    as_of: datetime
    happened_before: datetime
    known_before: datetime

    @classmethod
    def at(cls, as_of: datetime) -> "Moment":
        return cls(as_of, as_of, as_of)
