"""Features that the account used for the first time in the days of the `metric`, by their titles, the newest first.

The metric is one of kind `adoption`. Missing below `at_least` uses of any feature, and where all that is known of the
account is younger than those days, as then everything would be new.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar, Literal

from keepwell.playbooks.feature_source import USES, FeatureSource
from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import SourcePackage
from keepwell.playbooks.template_field import FieldType, Value


class NewFeatures(FeatureSource):
    kind: Literal["new_features"] = "new_features"

    gives: ClassVar[Sequence[FieldType]] = ("texts",)

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        features, items = package.texts.features, facts.items.get(USES, {})
        since = facts.now - timedelta(days=self.question(package).days)
        is_old = any(one.first_at <= since for one in items.values())
        begun = [name for name in self.uses(facts) if name in features and items[name].first_at > since]
        if not is_old:
            return None
        begun.sort(key=lambda name: (items[name].first_at, name), reverse=True)
        return [features[name].title for name in begun[: self.most]] or None
