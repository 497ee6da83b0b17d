"""Offers of the playbook are made to the account, each for as long as it says; those it is not eligible for are not.

If none is left, the step is skipped. The contact reads of them by a later step that `mentions` them.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from keepwell.base.shape import Name
from keepwell.playbooks.decision import Offer as MakeOffer
from keepwell.playbooks.step import Clock, Due, Outcome, Step


class Offer(Step):
    kind: Literal["offer"] = "offer"
    offers: Annotated[tuple[Name, ...], Field(min_length=1)]

    # The message that tells of it runs on the contact's clock and must not come before it.
    reaches_contact: ClassVar[bool] = True
    usual_clock: ClassVar[Clock] = "contact"

    def offers_made(self) -> Sequence[str]:
        return self.offers

    def outcome(self, due: Due) -> Outcome:
        rules = {name: due.offers[name] for name in self.offers}
        expires_at = {name: due.now + rule.valid_for for name, rule in rules.items() if rule.is_for(due.facts)}
        if not expires_at:
            return Outcome(skipped="not_eligible")
        return Outcome((MakeOffer(due.origin, expires_at),))
