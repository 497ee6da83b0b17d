"""Hours that the product saved in the last `days` days: events, each with the minutes that `saved_time` of the settings
assumes.

It is an assumption of whoever wrote the settings, and a message that tells it says so. Whole hours; missing below one.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import SourcePackage
from keepwell.playbooks.saving_source import SavingSource
from keepwell.playbooks.template_field import FieldType, Value


class HoursSaved(SavingSource):
    kind: Literal["hours_saved"] = "hours_saved"

    gives: ClassVar[Sequence[FieldType]] = ("number",)

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        return self.hours(facts.values, package)

    def number(self, values: Mapping[str, float], package: SourcePackage) -> float | None:
        return self.hours(values, package)
