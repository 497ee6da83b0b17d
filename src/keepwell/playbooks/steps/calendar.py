"""An invitation to a meeting by mail, which the contact's calendar shows. Its text and the rest are as with `message`.

The meeting begins at `starts`, counted from the enrolment on the contact's clock, and `lasts` so long; `place` is a
link of the templates' settings, or words. What could not leave before it begins is not sent.
"""

from datetime import timedelta
from typing import Final, Literal

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from keepwell.base.periods import Period
from keepwell.facts.meeting import Meeting
from keepwell.playbooks.decision import Send
from keepwell.playbooks.offset import Offset
from keepwell.playbooks.product_text import Line
from keepwell.playbooks.step import Due, Outcome
from keepwell.playbooks.touch_step import NO_OFFER, TouchStep

MEETING_BEGUN: Final = "meeting_begun"
LONGEST: Final = timedelta(days=1)


class Invitation(TouchStep):
    kind: Literal["calendar"] = "calendar"
    starts: Offset
    lasts: Period
    place: Line

    @field_validator("lasts")
    @classmethod
    def _some_time(cls, found: timedelta) -> timedelta:
        if not timedelta(0) < found <= LONGEST:
            sentence = "a meeting lasts for some time, and a day at most; expected a period such as '30m'."
            raise PydanticCustomError("meeting_length", "{sentence}", {"sentence": sentence})
        return found

    def outcome(self, due: Due) -> Outcome:
        offers = self.standing(due)
        if self.mentions and not offers:
            return Outcome(skipped=NO_OFFER)
        calendar = due.enrolment.contact_calendar
        starts_at = self.starts.due_at(due.enrolment.started_at, calendar)
        if starts_at <= due.now:
            return Outcome(skipped=MEETING_BEGUN)
        meeting = Meeting(starts_at=starts_at, ends_at=starts_at + self.lasts, place=self.place, zone=calendar.zone)
        return Outcome((Send(due.origin, self.template, self.sender_role(), offers, meeting),))
