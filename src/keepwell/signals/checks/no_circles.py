"""Segments that name each other, and alerts that supersede each other, do not go round in a circle."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import ClassVar, Literal

from keepwell.health.checks.check import Issue, error
from keepwell.signals.book import SignalBook
from keepwell.signals.check import SignalCheck


class NoCircles(SignalCheck):
    kind: ClassVar[Literal["no_circles"]] = "no_circles"

    def issues(self, book: SignalBook) -> Iterator[Issue]:
        segments = {
            name: [one for condition in segment.when.walk() for one in condition.segment_ids()]
            for name, segment in book.segments.items()
        }
        yield from _circle(book, "segments", segments)
        yield from _circle(book, "alerts", {name: alert.supersedes for name, alert in book.alerts.items()})


def _circle(book: SignalBook, section: str, uses: Mapping[str, Sequence[str]]) -> Iterator[Issue]:
    try:
        TopologicalSorter(uses).prepare()
    except CycleError as found:
        names = found.args[1]
        sentence = f"{section} name each other in a circle: {' → '.join(reversed(names))}."
        yield error(book.spots[section, names[0]].problem(sentence))
