"""What sources about features have in common: which of the plan's features an account used, and which not.

They go by a metric of kind `adoption`. Its property names the feature, and `features` of the settings give each a
title. Nothing is said of an account with fewer than `at_least` uses in the metric's days, nor of a feature that no
account at all used in them: it may be used and not be told of.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from keepwell.base.shape import Name
from keepwell.metrics.kinds.adoption import Adoption
from keepwell.playbooks.field_facts import Ask, FieldFacts, ItemQuestion
from keepwell.playbooks.field_source import FieldSource, SourcePackage, metric_of, metric_problem
from keepwell.playbooks.template_field import MOST_ENTRIES

USES = "uses"


class FeatureSource(FieldSource):
    """`most` features are named, in the order of the settings unless the kind says otherwise."""

    metric: Name
    most: Annotated[int, Field(ge=1, le=MOST_ENTRIES, strict=True)] = 3
    at_least: Annotated[int, Field(ge=1, strict=True)] = 20

    def problems(self, package: SourcePackage) -> Iterator[str]:
        yield from metric_problem(package, self.metric, Adoption, "adoption")
        if not package.texts.features:
            yield "it needs 'features', the titles of the product's features by the name that events tell."

    def ask(self, package: SourcePackage) -> Ask:
        question = self.question(package)
        return Ask(items={USES: question}, told=question)

    def question(self, package: SourcePackage) -> ItemQuestion:
        metric = metric_of(package, self.metric, Adoption)
        return ItemQuestion(metric.filter(), metric.property, metric.days)

    def uses(self, facts: FieldFacts) -> Mapping[str, int]:
        """By feature, those that were used; empty below the sample."""
        found = {name: one.uses for name, one in facts.items.get(USES, {}).items() if one.uses and name}
        return found if sum(found.values()) >= self.at_least else {}

    def unused(self, facts: FieldFacts, package: SourcePackage) -> Sequence[str]:
        """Features of the plan that others use and this account did not."""
        used = self.uses(facts)
        if not used:
            return ()
        listed = package.texts.features.items()
        plan = facts.account.plan
        return [name for name, one in listed if one.is_in(plan) and name in facts.told and name not in used]

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        counted = sum(self.uses(facts).values())
        return f"{counted:,} uses of features in the last {self.question(package).days} days"
