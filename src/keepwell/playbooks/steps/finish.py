"""The enrolment is over; steps that are still to come are skipped."""

from typing import Final, Literal

from keepwell.playbooks.decision import Finish as EndEnrolment
from keepwell.playbooks.step import Due, Outcome, Step

BY_STEP: Final = "finished"


class Finish(Step):
    kind: Literal["finish"] = "finish"

    def ends_enrolment(self) -> bool:
        return True

    def outcome(self, due: Due) -> Outcome:
        return Outcome((EndEnrolment(BY_STEP, due.now, self.id),))
