"""A metric times an amount: `{kind: metric_times, metric: contacts_joined, amount: 30, currency: USD, per: month}`.

Without `currency` it is that of the account's subscription, for a metric that is money itself.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from pydantic import StrictStr

from keepwell.signals.plan import Amount, Currency
from keepwell.signals.worth import Per, Standing, Value, Worth, money


class MetricTimes(Worth):
    kind: Literal["metric_times"] = "metric_times"
    metric: StrictStr
    amount: Amount
    currency: Currency | None = None
    per: Per
    basis: StrictStr

    def value(self, standing: Standing) -> Value | None:
        number = standing.metrics.get(self.metric)
        currency = self.currency or standing.currency
        if number is None or not currency:
            return None
        return Value(money(Decimal(str(number)) * self.amount), currency, self.per, f"{number:,g} × {self.basis}")

    def metric_ids(self) -> Sequence[str]:
        return (self.metric,)
