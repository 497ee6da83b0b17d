"""A message from a template that the product shows to the contact. Offers and approval are as with `message`."""

from typing import Literal

from keepwell.playbooks.decision import ShowInApp
from keepwell.playbooks.step import Due, Outcome
from keepwell.playbooks.touch_step import NO_OFFER, TouchStep


class InApp(TouchStep):
    kind: Literal["in_app"] = "in_app"

    def outcome(self, due: Due) -> Outcome:
        offers = self.standing(due)
        if self.mentions and not offers:
            return Outcome(skipped=NO_OFFER)
        return Outcome((ShowInApp(due.origin, self.template, self.sender_role(), offers),))
