"""What sources about saved time have in common: minutes that the settings assume for each event, over so many days."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import ClassVar

from keepwell.metrics.kinds.count import Count
from keepwell.metrics.metric import Days
from keepwell.playbooks.field_facts import Ask, FieldFacts
from keepwell.playbooks.field_source import FieldSource, SourcePackage
from keepwell.playbooks.product_text import MINUTES_AN_HOUR, SavedTime


class SavingSource(FieldSource):
    """`days` is the period that is told of."""

    days: Days = 30

    is_assumption: ClassVar[bool] = True

    def problems(self, package: SourcePackage) -> Iterator[str]:
        if not package.texts.saved_time:
            yield "it needs 'saved_time', the minutes that you assume an event saves."

    def ask(self, package: SourcePackage) -> Ask:
        return Ask(metrics={_label(at): self._count(one) for at, one in enumerate(package.texts.saved_time)})

    def hours(self, values: Mapping[str, float], package: SourcePackage) -> int | None:
        """Whole hours; None below one, and where none of the events is known at all."""
        minutes = Decimal(0)
        for at, one in enumerate(package.texts.saved_time):
            minutes += Decimal(int(values.get(_label(at), 0))) * one.minutes
        return int((minutes / MINUTES_AN_HOUR).to_integral_value()) or None

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        told = []
        for at, one in enumerate(package.texts.saved_time):
            times = int(facts.values.get(_label(at), 0))
            if times:
                told.append(f"{times:,} × {one.title} at {one.minutes.normalize():f} min")
        return f"assumed: {', '.join(told)}, counted over the last {self.days} days"

    def _count(self, saved: SavedTime) -> Count:
        return Count(
            title=saved.title, unit="count", better="up", events=saved.events, where=saved.where, days=self.days
        )


def _label(at: int) -> str:
    return f"n{at}"
