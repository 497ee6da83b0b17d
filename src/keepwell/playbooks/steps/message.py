"""A message to the contact from a template, by mail.

In a named person's name it needs that person's approval, unless the playbook or the step says otherwise. With
`mentions` it speaks of those offers that were made and still stand; if none does, the step is skipped.
"""

from typing import Literal

from keepwell.playbooks.decision import Send
from keepwell.playbooks.step import Due, Outcome
from keepwell.playbooks.touch_step import NO_OFFER, TouchStep


class Message(TouchStep):
    kind: Literal["message"] = "message"

    def outcome(self, due: Due) -> Outcome:
        offers = self.standing(due)
        if self.mentions and not offers:
            return Outcome(skipped=NO_OFFER)
        return Outcome((Send(due.origin, self.template, self.sender_role(), offers),))
