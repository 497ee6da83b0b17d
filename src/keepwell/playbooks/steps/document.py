"""Writes a document about the account from a template, and gives whoever holds the `role` a task that leads to it.

It says as of when its numbers are and what they rest on. `cover` is the template of a message to go with it, drafted
for whoever has the task. `share` says that the account may have it; until there is a way to hand it over, whoever has
the task does that.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import StrictBool

from keepwell.base.shape import Name
from keepwell.facts.notice import CSM
from keepwell.playbooks.decision import WriteDocument
from keepwell.playbooks.step import Due, Outcome, Step


class Document(Step):
    kind: Literal["document"] = "document"
    role: Name = CSM
    template: Name
    cover: Name | None = None
    share: StrictBool = False

    def roles(self) -> Sequence[str]:
        return (self.role,)

    def template_ids(self) -> Sequence[str]:
        return (self.template, self.cover) if self.cover else (self.template,)

    def outcome(self, due: Due) -> Outcome:
        cover = self.cover or ""
        return Outcome(
            (WriteDocument(due.origin, self.role, self.title, self.about, self.template, cover, self.share),)
        )
