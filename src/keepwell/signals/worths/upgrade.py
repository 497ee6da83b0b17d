"""What another plan of the catalogue costs more in a year than what the account pays now.

`{kind: upgrade}` takes the plan above the account's own, `{kind: upgrade, to: business}` the plan that is named.
"""

from collections.abc import Sequence
from typing import Literal

from keepwell.base.shape import Name
from keepwell.signals.worth import Standing, Value, Worth, money


class Upgrade(Worth):
    kind: Literal["upgrade"] = "upgrade"
    to: Name | None = None

    def value(self, standing: Standing) -> Value | None:
        catalogue = standing.catalogue
        if catalogue is None:
            return None
        own = catalogue.plans.get(standing.plan)
        above = self.to or (own.next if own else None)
        if above is None or above == standing.plan or above not in catalogue.plans:
            return None
        plan, seats = catalogue.plans[above], standing.seats or 1
        if standing.mrr is not None and standing.currency == catalogue.currency:
            now, said = standing.mrr * 12, "what it pays now"
        elif own is not None:
            now, said = own.yearly(seats), f"the price of {own.title}"
        else:
            return None
        basis = f"{plan.title} for {seats} {'seat' if seats == 1 else 'seats'}, less {said}, for a year"
        return Value(money(plan.yearly(seats) - now), catalogue.currency, "year", basis)

    def plan_ids(self) -> Sequence[str]:
        return () if self.to is None else (self.to,)
