"""Two playbooks that start on one signal differ in their priority, so that it is clear which of them does."""

from collections.abc import Iterator
from itertools import combinations
from typing import ClassVar, Literal

from keepwell.health.checks.check import Issue, error
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import PlaybookCheck


class ClearPriority(PlaybookCheck):
    kind: ClassVar[Literal["clear_priority"]] = "clear_priority"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        for (first, one), (second, other) in combinations(book.playbooks.items(), 2):
            shared = [signal for signal in one.starts_on if signal in other.starts_on]
            if shared and one.priority == other.priority:
                sentence = f"'{first}' starts on '{shared[0]}' with the priority {one.priority} too; raise one of them."
                yield error(book.spots[second].problem(sentence, "priority"))
