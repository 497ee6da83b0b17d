"""What a subscription of Stripe is worth in a month, exactly."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

from keepwell.connectors.hook_event import not_negative
from keepwell.connectors.payload import Part

# How many minor units make a major one. Stripe counts ISK and UGX in hundredths although they have none.
_ZERO_DECIMAL: Final = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THREE_DECIMAL: Final = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
# A year is 12 months and 365 days, so a week is 84/365 of a month.
_PER_MONTH: Final[Mapping[str, Fraction]] = {
    "day": Fraction(365, 12),
    "week": Fraction(365, 84),
    "month": Fraction(1),
    "year": Fraction(1, 12),
}


def major(minor: Fraction, currency: str | None) -> Fraction:
    """An amount of minor units, such as cents, in the currency itself."""
    code = (currency or "").upper()
    return minor if code in _ZERO_DECIMAL else minor / (1000 if code in _THREE_DECIMAL else 100)


def amount(item: Part, path: str, currency: str | None) -> Fraction | None:
    """An amount that an object holds in minor units, in the currency itself; never below 0."""
    minor = item.decimal(path)
    return None if minor is None else not_negative(path, major(Fraction(minor), currency))


class Line:
    """One item of a subscription; a price of the newer shape or a plan of the older one."""

    def __init__(self, item: Part) -> None:
        price = item.part("price")
        self.price = price or item.part("plan")
        terms = price.part("recurring") if price else self.price
        self.is_metered = terms.words("usage_type") == "metered"
        self.currency = (self.price.text("currency") or "").upper() or None
        count = terms.decimal("interval_count")
        per_month = _PER_MONTH.get(terms.words("interval"))
        self.per_month = per_month / Fraction(count) if per_month and count and count > 0 else None
        quantity = item.decimal("quantity")
        self.quantity = not_negative("quantity", Fraction(1) if quantity is None else Fraction(quantity))

    @property
    def plan(self) -> str | None:
        """What people call it, else the id that programs use."""
        return next((name for key in ("nickname", "name", "lookup_key", "id") if (name := self.price.text(key))), None)

    def monthly(self) -> Fraction | None:
        """Price × quantity brought to a month, in the currency; None where the price comes in steps."""
        each = next(
            (
                found
                for key in ("unit_amount_decimal", "unit_amount", "amount_decimal", "amount")
                if (found := amount(self.price, key, self.currency)) is not None
            ),
            None,
        )
        if each is None or self.quantity is None or self.per_month is None:
            return None
        return each * self.quantity * self.per_month


def lines(subscription: Part) -> list[Line]:
    """The items paid in advance, in their order; what is metered afterwards is not among them."""
    found = subscription.parts("items.data") or [subscription]
    return [line for line in map(Line, found) if line.price and not line.is_metered]


def monthly_price(subscription: Part) -> Fraction | None:
    """Σ price × quantity, less the discounts that go on, brought to a month; None where a part of it is not told.

    A discount that is told by its id only cannot be taken off.
    """
    found = lines(subscription)
    parts = [line.monthly() for line in found]
    total = sum((part for part in parts if part is not None), Fraction(0))
    if not parts or None in parts or len({line.currency for line in found}) > 1:
        return None
    for coupon in _coupons(subscription):
        total = _discounted(total, coupon, found[0])
    return total


def _discounted(total: Fraction, coupon: Part, line: Line) -> Fraction:
    share = coupon.decimal("percent_off")
    if share is not None:
        return total * (1 - min(Fraction(share), Fraction(100)) / 100)
    less = amount(coupon, "amount_off", coupon.words("currency") or line.currency)
    return max(Fraction(0), total - (less or 0) * (line.per_month or 1))


def _coupons(subscription: Part) -> Iterator[Part]:
    for discount in [subscription.part("discount"), *subscription.parts("discounts")]:
        coupon = discount.part("coupon") or discount.part("source.coupon")
        if coupon and coupon.words("duration") != "once":
            yield coupon
