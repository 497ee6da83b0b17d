"""Playbooks that others supersede or go on with are there, and do not supersede each other in a circle."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import ClassVar, Literal

from keepwell.health.checks.check import Issue, error
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import PlaybookCheck, unknown


class KnownPlaybooks(PlaybookCheck):
    kind: ClassVar[Literal["known_playbooks"]] = "known_playbooks"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        # A file that could not be read is a playbook all the same.
        known = tuple(book.spots)
        for name, playbook in book.playbooks.items():
            for number, milder in enumerate(playbook.supersedes):
                yield from unknown(book, name, ("supersedes", number), "playbook", (milder,), known)
            for number, step in enumerate(playbook.steps):
                yield from unknown(book, name, ("steps", number), "playbook", step.playbook_ids(), known)
        try:
            TopologicalSorter({name: one.supersedes for name, one in book.playbooks.items()}).prepare()
        except CycleError as found:
            names = found.args[1]
            sentence = f"playbooks supersede each other in a circle: {' → '.join(reversed(names))}."
            yield error(book.spots[names[-1]].problem(sentence, "supersedes"))
