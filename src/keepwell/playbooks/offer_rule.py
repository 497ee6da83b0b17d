"""Offers that a playbook may make: who may have them and for how long they stand."""

from datetime import timedelta

from pydantic import StrictStr, field_validator
from pydantic_core import PydanticCustomError

from keepwell.base.periods import Period
from keepwell.playbooks.facts import Facts
from keepwell.signals.condition import When
from keepwell.signals.rule import Shape
from keepwell.signals.truth import YES


class OfferRule(Shape):
    """`eligible` accounts may have it, all without it; it stands for `valid_for` from when it is made."""

    title: StrictStr
    about: StrictStr = ""
    eligible: When | None = None
    valid_for: Period

    @field_validator("valid_for")
    @classmethod
    def _some_time(cls, found: timedelta) -> timedelta:
        if found == timedelta(0):
            sentence = "an offer must stand for some time; expected a period above 0 such as '14d'."
            raise PydanticCustomError("no_time", "{sentence}", {"sentence": sentence})
        return found

    def is_for(self, facts: Facts) -> bool:
        """An account of which it cannot be said is not eligible."""
        return self.eligible is None or facts.truth(self.eligible) == YES
