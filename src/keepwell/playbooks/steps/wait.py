"""Waits from `after` until what `until` asks for holds, at most until `within`; both count from the enrolment.

When it comes to hold the enrolment takes the path `then` at once; when the time is up, the path `otherwise`. Either may
be missing. What cannot be said does not hold. Where nobody looked in time, what holds at the look counts.
"""

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from keepwell.base.shape import Name
from keepwell.playbooks.offset import Offset
from keepwell.playbooks.only import Only
from keepwell.playbooks.step import Clock, Due, Outcome, Step

TIME_UP: Final = "time_up"


class Wait(Step):
    kind: Literal["wait"] = "wait"
    within: Offset
    until: Only
    then: Name | None = None
    otherwise: Name | None = None

    waits: ClassVar[bool] = True
    # Messages on its paths run on the contact's clock and must not come before it.
    usual_clock: ClassVar[Clock] = "contact"

    def paths(self) -> Sequence[str]:
        return tuple(dict.fromkeys(path for path in (self.then, self.otherwise) if path))

    def opens_path(self, path: str) -> Offset:
        return self.after if path == self.then else self.within

    def conditions(self) -> Sequence[tuple[tuple[str | int, ...], Only]]:
        return [*super().conditions(), (("until",), self.until)]

    def outcome(self, due: Due) -> Outcome:
        if not self.until.refusal(due.enrolment, due.facts):
            return Outcome(path=self.then or "")
        end = due.origin.late_at or due.origin.due_at
        if due.now < end:
            return Outcome(waits_until=end)
        return Outcome(path=self.otherwise) if self.otherwise else Outcome(skipped=TIME_UP)
