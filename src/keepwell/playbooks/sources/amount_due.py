"""What is unpaid in the account's currency: the newest amounts of what the `metric` counts, one of kind `open_items`.

Missing where nothing is open, and where one of them has no amount or is in another currency: a part is no total.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import StrictStr

from keepwell.base.shape import Name
from keepwell.metrics.kinds.open_items import OpenItems
from keepwell.playbooks.field_facts import Ask, FieldFacts, OpenQuestion
from keepwell.playbooks.field_source import FieldSource, SourcePackage, metric_of, metric_problem
from keepwell.playbooks.template_field import FieldType, Value


class AmountDue(FieldSource):
    kind: Literal["amount_due"] = "amount_due"
    metric: Name
    amount: StrictStr = "amount"

    gives: ClassVar[Sequence[FieldType]] = ("number",)

    def problems(self, package: SourcePackage) -> Iterator[str]:
        yield from metric_problem(package, self.metric, OpenItems, "open_items")

    def ask(self, package: SourcePackage) -> Ask:
        return Ask(open_items=OpenQuestion(metric_of(package, self.metric, OpenItems), self.amount))

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        currency = facts.account.currency
        amounts = [one.amount for one in facts.open_items if one.currency == currency]
        known = [amount for amount in amounts if amount is not None]
        if not currency or not known or len(known) < len(facts.open_items):
            return None
        return sum(known, Decimal(0))

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        days = metric_of(package, self.metric, OpenItems).days
        return f"{len(facts.open_items)} open in the last {days} days"
