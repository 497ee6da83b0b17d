"""An amount that the package states, such as what the next plan costs more.

worth: {kind: fixed, amount: 300, currency: USD, per: year, basis: the professional plan instead of this one}
"""

from typing import Literal

from pydantic import StrictStr

from keepwell.signals.plan import Amount, Currency
from keepwell.signals.worth import Per, Standing, Value, Worth


class Fixed(Worth):
    kind: Literal["fixed"] = "fixed"
    amount: Amount
    currency: Currency
    per: Per
    basis: StrictStr

    def value(self, standing: Standing) -> Value | None:
        return Value(self.amount, self.currency, self.per, self.basis)
