"""The features that the account used most in the days of the `metric`, by their titles, the most used first.

The metric is one of kind `adoption`. Missing below `at_least` uses of any feature.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from keepwell.playbooks.feature_source import FeatureSource
from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import SourcePackage
from keepwell.playbooks.template_field import FieldType, Value


class UsedMost(FeatureSource):
    kind: Literal["used_most"] = "used_most"

    gives: ClassVar[Sequence[FieldType]] = ("texts",)

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        uses, features = self.uses(facts), package.texts.features
        found = sorted((name for name in uses if name in features), key=lambda name: (-uses[name], name))
        return [features[name].title for name in found[: self.most]] or None
