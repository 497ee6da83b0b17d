"""What the account could do with features of its plan that it does not use: their `tip` in the settings.

It goes by the same rules as `unused_features`; features without a tip are passed over.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from keepwell.playbooks.feature_source import FeatureSource
from keepwell.playbooks.field_facts import FieldFacts
from keepwell.playbooks.field_source import SourcePackage
from keepwell.playbooks.template_field import FieldType, Value


class Tips(FeatureSource):
    kind: Literal["tips"] = "tips"

    gives: ClassVar[Sequence[FieldType]] = ("texts",)

    def problems(self, package: SourcePackage) -> Iterator[str]:
        yield from super().problems(package)
        if package.texts.features and not any(one.tip for one in package.texts.features.values()):
            yield "none of the 'features' has a 'tip'."

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        tips = [package.texts.features[name].tip for name in self.unused(facts, package)]
        return [tip for tip in tips if tip][: self.most] or None
