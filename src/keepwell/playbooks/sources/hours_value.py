"""What the saved hours are worth in the account's currency: whole hours times `hourly_rate` of the settings.

Missing where the settings have no rate in that currency; nothing is converted. `days` is as that of `hours_saved`.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import SourcePackage
from keepwell.playbooks.saving_source import SavingSource
from keepwell.playbooks.template_field import FieldType, Value
from keepwell.playbooks.template_filter import money


class HoursValue(SavingSource):
    kind: Literal["hours_value"] = "hours_value"

    gives: ClassVar[Sequence[FieldType]] = ("number",)

    def problems(self, package: SourcePackage) -> Iterator[str]:
        yield from super().problems(package)
        if not package.texts.hourly_rate:
            yield "it needs 'hourly_rate', what you assume an hour is worth, by currency."

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        hours = self.hours(facts.values, package)
        rate = package.texts.hourly_rate.get(facts.account.currency)
        return None if hours is None or rate is None else hours * rate

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        currency = facts.account.currency
        rate = package.texts.hourly_rate[currency]
        return f"{super().basis(facts, package)}, and {money(rate, currency)} an hour"
