"""The account is to go through another playbook of the package; this one goes on unless a `finish` follows."""

from collections.abc import Sequence
from typing import Literal

from keepwell.base.shape import Name
from keepwell.playbooks.decision import Enrol as StartPlaybook
from keepwell.playbooks.step import Due, Outcome, Step


class Enrol(Step):
    kind: Literal["enrol"] = "enrol"
    playbook: Name

    def playbook_ids(self) -> Sequence[str]:
        return (self.playbook,)

    def outcome(self, due: Due) -> Outcome:
        return Outcome((StartPlaybook(due.origin, self.playbook),))
