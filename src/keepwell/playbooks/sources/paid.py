"""What the account paid in the last `days` days in its own currency: `events` of payments less `refunds`.

Missing without a payment, where a payment names another currency or none, and where so much was paid that it must be
for a longer time than these days (more than one and a half times the MRR for them): a year's price is no cost of a
month.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, StrictStr

from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.metric import Days
from keepwell.playbooks.field_facts import Ask, FieldFacts, ItemQuestion
from keepwell.playbooks.field_source import FieldSource, SourcePackage
from keepwell.playbooks.template_field import FieldType, Value

Events = Annotated[tuple[StrictStr, ...], Field(min_length=1)]
PAID: Final = "paid"
REFUNDED: Final = "refunded"
MOST_OF_MRR: Final = Decimal("1.5")
DAYS_A_MONTH: Final = 30


class Paid(FieldSource):
    kind: Literal["paid"] = "paid"
    events: Events = ("payment_succeeded",)
    refunds: tuple[StrictStr, ...] = ()
    amount: StrictStr = "amount"
    currency: StrictStr = "currency"
    days: Days = 30

    gives: ClassVar[Sequence[FieldType]] = ("number",)

    def ask(self, package: SourcePackage) -> Ask:
        asked = {PAID: self.events, **({REFUNDED: self.refunds} if self.refunds else {})}
        return Ask(
            items={
                name: ItemQuestion(EventFilter(events=events), self.currency, self.days, self.amount)
                for name, events in asked.items()
            }
        )

    def value(self, facts: FieldFacts, package: SourcePackage) -> Value | None:
        paid, refunded = self._total(facts, PAID), self._total(facts, REFUNDED)
        if not paid or refunded is None:
            return None
        mrr = facts.account.mrr
        if not mrr or paid > mrr * self.days / DAYS_A_MONTH * MOST_OF_MRR:
            return None
        return max(paid - refunded, Decimal(0))

    def basis(self, facts: FieldFacts, package: SourcePackage) -> str:
        return f"payments less refunds of the last {self.days} days"

    def _total(self, facts: FieldFacts, name: str) -> Decimal | None:
        """In the account's currency; None where anything was told in another, or without an amount."""
        recent = {currency: one for currency, one in facts.items.get(name, {}).items() if one.uses}
        if not recent:
            return Decimal(0)
        only = recent.get(facts.account.currency)
        return only.total if only is not None and len(recent) == 1 and facts.account.currency else None
