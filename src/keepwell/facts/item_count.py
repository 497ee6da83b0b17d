"""Things that events name, such as features and invoices, as the log tells of them at an account."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ItemCount:
    """`uses` and `total` are of the stretch that was asked for, `first_at` of all time.

    `total` is the sum of the amount that was asked for, None where no event told one.
    """

    uses: int
    first_at: datetime
    total: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something that is not settled; its newest amount and currency, None and "" where no event told them."""

    amount: Decimal | None
    currency: str
