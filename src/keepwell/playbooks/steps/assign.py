"""A member of a role becomes the account's own success manager; with `reach_out: true` they write or call at once."""

from collections.abc import Sequence
from typing import Literal

from pydantic import StrictBool

from keepwell.base.shape import Name
from keepwell.facts.notice import CSM
from keepwell.playbooks.decision import Assign as AssignMember
from keepwell.playbooks.step import Due, Outcome, Step


class Assign(Step):
    kind: Literal["assign"] = "assign"
    role: Name = CSM
    reach_out: StrictBool = False

    def roles(self) -> Sequence[str]:
        return (self.role,)

    def outcome(self, due: Due) -> Outcome:
        return Outcome((AssignMember(due.origin, self.role, self.reach_out),))
