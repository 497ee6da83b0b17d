"""A signal rule reads events of the catalogue, by their own names, and properties that they carry."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Issue, error
from keepwell.health.checks.rules.known_events import unknown_event
from keepwell.health.checks.rules.known_properties import property_sentences
from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.kinds.count import Count
from keepwell.metrics.metric import Metric
from keepwell.signals.book import SignalBook
from keepwell.signals.check import SignalCheck


class KnownEvents(SignalCheck):
    kind: ClassVar[Literal["known_events"]] = "known_events"

    def issues(self, book: SignalBook) -> Iterator[Issue]:
        if not book.package.are_all_read:
            return
        for section, name, when in book.whens():
            for condition in when.walk():
                for metric in condition.metrics().values():
                    yield from _issues(book, section, name, metric)
        for section, filters in (("won", book.won), ("contacted", book.contacted)):
            for wanted in filters:
                yield from _issues(book, "opportunities", section, _as_metric(wanted))


def _issues(book: SignalBook, section: str, name: str, metric: Metric) -> Iterator[Issue]:
    # What is said of all opportunities stands at the head of the file.
    spot = book.spots.get((section, name)) or book.spots[section, next(iter(book.opportunities))]
    for event in dict.fromkeys(event for wanted in metric.reads() for event in wanted.events):
        sentence = unknown_event(event, book.package)
        if sentence:
            yield error(spot.problem(f"'{name}': {sentence}"))
    for _, sentence in property_sentences(metric, book.package):
        yield error(spot.problem(f"'{name}': {sentence}"))


def _as_metric(wanted: EventFilter) -> Metric:
    return Count(kind="count", title="", unit="count", better="up", events=wanted.events, where=wanted.where, days=1)
