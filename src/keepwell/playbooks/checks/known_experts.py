"""A step asks an expert that there is, and tells it metrics that the package has."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Issue
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import PlaybookCheck, unknown
from keepwell.playbooks.expert import experts


class KnownExperts(PlaybookCheck):
    kind: ClassVar[Literal["known_experts"]] = "known_experts"

    def issues(self, book: PlaybookBook) -> Iterator[Issue]:
        metrics = book.signals.package.metrics
        for name, playbook in book.playbooks.items():
            for number, step in enumerate(playbook.steps):
                place = ("steps", number)
                yield from unknown(book, name, (*place, "expert"), "expert", step.expert_kinds(), experts())
                for which, metric in enumerate(step.metric_ids()):
                    yield from unknown(book, name, (*place, "metrics", which), "metric", (metric,), metrics)
