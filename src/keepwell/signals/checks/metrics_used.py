"""A metric that no health model weighs and no signal asks for is named, because it may have been forgotten.

Pages may still read it, so this is only a warning, and only for the package's own metrics.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

from keepwell.health.checks.check import Issue, models_of, warning
from keepwell.signals.book import SignalBook
from keepwell.signals.check import SignalCheck


class MetricsUsed(SignalCheck):
    kind: ClassVar[Literal["metrics_used"]] = "metrics_used"

    def issues(self, book: SignalBook) -> Iterator[Issue]:
        package = book.package
        used = set(book.metrics())
        for model, _ in models_of(package):
            used.update(package.metrics_of(model))
        unused = [name for name, spot in package.metric_spots.items() if name not in used and package.is_own(spot)]
        if unused:
            some = ", ".join(f"'{name}'" for name in unused)
            sentence = f"no health model and no signal of this package reads {some}; pages may still read them."
            yield warning(package.metric_spots[unused[0]].problem(sentence))
