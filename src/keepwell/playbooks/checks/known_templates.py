"""The templates that steps name are in the package's folder `templates/`; without such a folder nothing is said."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Issue
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import PlaybookCheck, unknown


class KnownTemplates(PlaybookCheck):
    kind: ClassVar[Literal["known_templates"]] = "known_templates"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        if book.templates is None:
            return
        known = sorted(book.templates)
        for name, playbook in book.playbooks.items():
            for number, step in enumerate(playbook.steps):
                yield from unknown(book, name, ("steps", number), "template", step.template_ids(), known)
