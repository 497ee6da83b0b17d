"""The contact has answered since the enrolment, on any channel: `responded: true`."""

from typing import ClassVar, Literal

from pydantic import ConfigDict, RootModel

from keepwell.playbooks.enrolment import Enrolment
from keepwell.playbooks.facts import Facts
from keepwell.playbooks.only import Gate
from keepwell.signals.truth import NO, YES


class Responded(Gate, RootModel[Literal[True]]):
    model_config = ConfigDict(frozen=True)
    kind: ClassVar[Literal["responded"]] = "responded"
    asks_for_answer: ClassVar[bool] = True

    def truth(self, enrolment: Enrolment, facts: Facts) -> int:
        return NO if enrolment.replied_at is None else YES
