"""A message goes in the name of the role that signs its template, and mentions just the offer that this speaks of.

It would go out while any offer stands that it mentions, so with another among them it could speak of one that does not.

Of an offer that the playbook does not make, such as the length of a call, nothing is asked.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Issue, error
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import PlaybookCheck
from keepwell.playbooks.touch_step import TouchStep

NOBODY = "nobody"


class FittingTemplates(PlaybookCheck):
    kind: ClassVar[Literal["fitting_templates"]] = "fitting_templates"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        for name, playbook in book.playbooks.items():
            spot = book.spots[name]
            for number, step in enumerate(playbook.steps):
                head = book.heads.get(step.template) if isinstance(step, TouchStep) else None
                if not isinstance(step, TouchStep) or head is None:
                    continue
                signer = head.from_role or ""
                if signer != step.sender_role():
                    sentence = (
                        f"'{step.id}' goes in the name of {_told(step.sender_role())}, but its template "
                        f"'{step.template}' is signed by {_told(signer)}; 'from' and 'from_role' must be the same."
                    )
                    yield error(spot.problem(sentence, "steps", number, "from" if step.sender else "template"))
                if head.offer in playbook.offers and step.mentions != (head.offer,):
                    sentence = (
                        f"the template '{step.template}' of '{step.id}' speaks of the offer '{head.offer}'; "
                        f"write 'mentions: [{head.offer}]', so that it is sent only while that offer stands."
                    )
                    yield error(spot.problem(sentence, "steps", number, "mentions" if step.mentions else "template"))


def _told(role: str) -> str:
    return f"'{role}'" if role else NOBODY
