"""The contact has not answered since the enrolment, on any channel: `no_response: true`."""

from typing import ClassVar, Literal

from pydantic import ConfigDict, RootModel

from keepwell.playbooks.enrolment import Enrolment
from keepwell.playbooks.facts import Facts
from keepwell.playbooks.only import Gate
from keepwell.signals.truth import NO, YES


class NoResponse(Gate, RootModel[Literal[True]]):
    model_config = ConfigDict(frozen=True)
    kind: ClassVar[Literal["no_response"]] = "no_response"
    asks_for_answer: ClassVar[bool] = True

    def truth(self, enrolment: Enrolment, facts: Facts) -> int:
        return YES if enrolment.replied_at is None else NO
