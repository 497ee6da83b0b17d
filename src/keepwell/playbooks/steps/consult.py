"""An expert writes a diagnosis of the account, from its explained score and what is open; a `role` gets it as a task.

`expert` is a kind of expert; `metrics` are metrics of the package that it is told beside the score. What is counted as
open, such as tickets, it is told without being named.
"""

from collections.abc import Sequence
from typing import Literal

from keepwell.base.shape import Name
from keepwell.playbooks.decision import Consult as AskExpert
from keepwell.playbooks.step import Due, Outcome, Step


class Consult(Step):
    kind: Literal["consult"] = "consult"
    role: Name = "expert"
    expert: Name = "explained"
    metrics: tuple[Name, ...] = ()

    def roles(self) -> Sequence[str]:
        return (self.role,)

    def expert_kinds(self) -> Sequence[str]:
        return (self.expert,)

    def metric_ids(self) -> Sequence[str]:
        return self.metrics

    def outcome(self, due: Due) -> Outcome:
        return Outcome((AskExpert(due.origin, self.role, self.title, self.about, self.expert, self.metrics),))
