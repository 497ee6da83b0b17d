"""Features of the account's plan that other accounts use and this one did not in the days of the `metric`, by their
titles.

The metric is one of kind `adoption`. They come in the order of the settings, `most` of them. Missing below `at_least`
uses of any feature, so that nothing is said of an account that is hardly told of.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from keepwell.playbooks.feature_source import FeatureSource
from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import SourcePackage
from keepwell.playbooks.template_field import FieldType, Value


class UnusedFeatures(FeatureSource):
    kind: Literal["unused_features"] = "unused_features"

    gives: ClassVar[Sequence[FieldType]] = ("texts",)

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        found = self.unused(facts, package)[: self.most]
        return [package.texts.features[name].title for name in found] or None
