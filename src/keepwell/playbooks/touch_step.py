"""What steps that show a text to the contact have in common."""

from collections.abc import Sequence
from typing import ClassVar, Final

from pydantic import Field

from keepwell.base.shape import Name
from keepwell.playbooks.step import Clock, Due, Step

NO_OFFER: Final = "no_offer_stands"


class TouchStep(Step):
    """`template` is the text, `from` the role in whose name it goes (without it, the company's), `mentions` the offers
    that it speaks of."""

    template: Name
    sender: Name | None = Field(default=None, alias="from")
    mentions: tuple[Name, ...] = ()

    reaches_contact: ClassVar[bool] = True
    usual_clock: ClassVar[Clock] = "contact"

    def roles(self) -> Sequence[str]:
        return (self.sender,) if self.sender else ()

    def sender_role(self) -> str:
        return self.sender or ""

    def template_ids(self) -> Sequence[str]:
        return (self.template,)

    def offers_mentioned(self) -> Sequence[str]:
        return self.mentions

    def standing(self, due: Due) -> tuple[str, ...]:
        """The offers that it may speak of: made in this enrolment, and not expired."""
        made = due.enrolment.offers
        return tuple(name for name in self.mentions if name in made and due.now < made[name].expires_at)
