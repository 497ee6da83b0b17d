"""A congratulation from a template that the product shows, and at the same time a `sentence` to the roles in `notify`.

It is skipped while celebrating is unwise: while the account has an open alert of severity critical or high, or while
one of the conditions holds that the package calls unwise. Offers and approval are as with `message`.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, StrictStr

from keepwell.base.shape import Name
from keepwell.playbooks.decision import Notify as TellRoles
from keepwell.playbooks.decision import ShowInApp
from keepwell.playbooks.step import Due, Outcome
from keepwell.playbooks.touch_step import NO_OFFER, TouchStep

UNWISE: Final = "unwise"


class Celebrate(TouchStep):
    kind: Literal["celebrate"] = "celebrate"
    notify: Annotated[tuple[Name, ...], Field(min_length=1)]
    sentence: StrictStr

    celebrates: ClassVar[bool] = True

    def roles(self) -> Sequence[str]:
        return (*super().roles(), *self.notify)

    def outcome(self, due: Due) -> Outcome:
        if due.facts.is_unwise:
            return Outcome(skipped=UNWISE)
        offers = self.standing(due)
        if self.mentions and not offers:
            return Outcome(skipped=NO_OFFER)
        shown = ShowInApp(due.origin, self.template, self.sender_role(), offers)
        return Outcome((shown, TellRoles(due.origin, self.notify, self.sentence)))
