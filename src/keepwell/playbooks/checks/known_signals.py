"""A playbook starts on signals that the package has."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Issue
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import PlaybookCheck, unknown


class KnownSignals(PlaybookCheck):
    kind: ClassVar[Literal["known_signals"]] = "known_signals"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        for name, playbook in book.playbooks.items():
            for number, signal in enumerate(playbook.starts_on):
                yield from unknown(book, name, ("starts_on", number), "signal", (signal,), book.signal_ids())
