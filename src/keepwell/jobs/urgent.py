"""Which events may open an alert by themselves: their accounts are looked at before all others."""

from keepwell.jobs.package import newest_versions
from keepwell.signals.conditions.event import EventHappened
from keepwell.store.read.package import signals_about


def urgent_names() -> frozenset[str]:
    """The names that alert rules of published packages ask for."""
    books = [book for version in newest_versions() if (book := signals_about(version)) is not None]
    return frozenset(
        name
        for book in books
        for rule in book.alerts.values()
        for condition in rule.when.walk()
        if isinstance(condition, EventHappened)
        for name in condition.events
    )
