"""The conditions of playbooks name metrics, bands, segments, events and properties that there are."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Issue
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import PlaybookCheck
from keepwell.signals.checks.known_events import KnownEvents
from keepwell.signals.checks.known_parts import KnownParts


class KnownConditions(PlaybookCheck):
    kind: ClassVar[Literal["known_conditions"]] = "known_conditions"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        asking = book.asking()
        ours = {spot.source.file for spot in book.spots.values()}
        for rule in (KnownParts(), KnownEvents()):
            # What is wrong with the package's own segments is told where they are checked.
            yield from (issue for issue in rule.issues(asking) if issue.file in ours)
