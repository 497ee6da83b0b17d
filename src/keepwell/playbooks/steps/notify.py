"""Members are told something, by their roles; no contact hears of it."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, StrictStr

from keepwell.base.shape import Name
from keepwell.playbooks.decision import Notify as TellRoles
from keepwell.playbooks.step import Due, Outcome, Step


class Notify(Step):
    kind: Literal["notify"] = "notify"
    notify: Annotated[tuple[Name, ...], Field(min_length=1)]
    sentence: StrictStr

    def roles(self) -> Sequence[str]:
        return self.notify

    def outcome(self, due: Due) -> Outcome:
        return Outcome((TellRoles(due.origin, self.notify, self.sentence),))
