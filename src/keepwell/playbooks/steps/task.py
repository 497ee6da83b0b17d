"""Work for whoever holds a role, such as a call or a plan; `document` is the template of what is to be written."""

from collections.abc import Sequence
from typing import Literal

from keepwell.base.shape import Name
from keepwell.facts.notice import CSM
from keepwell.playbooks.decision import CreateTask
from keepwell.playbooks.step import Due, Outcome, Step


class Task(Step):
    kind: Literal["task"] = "task"
    role: Name = CSM
    document: Name | None = None

    def roles(self) -> Sequence[str]:
        return (self.role,)

    def template_ids(self) -> Sequence[str]:
        return (self.document,) if self.document else ()

    def outcome(self, due: Due) -> Outcome:
        return Outcome((CreateTask(due.origin, self.role, self.title, self.about, self.document or ""),))
