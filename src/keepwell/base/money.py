"""Amounts of money: exact, with currency and with the period they are paid for."""

import re
from dataclasses import dataclass, replace
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Literal

from keepwell.base.errors import UserError

MoneyPeriod = Literal["month", "year", "once"]
MONTHS_PER_YEAR = 12

# The default context would round beyond 28 digits in silence; this one raises.
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])
_CURRENCY = re.compile(r"[A-Z]{3}")


class MoneyError(UserError):
    """Amounts that do not go together, or that are no amounts."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency, paid every month, every year or once. Never rounded here."""

    amount: Decimal
    currency: str
    period: MoneyPeriod

    def __post_init__(self) -> None:
        if not self.amount.is_finite():
            raise MoneyError(f"{self.amount} is not an amount of money.")
        if _CURRENCY.fullmatch(self.currency) is None:
            raise MoneyError(f"{self.currency!r} is not a currency; expected three capital letters such as 'EUR'.")

    def __str__(self) -> str:
        per = "once" if self.period == "once" else f"per {self.period}"
        return f"{self.amount} {self.currency} {per}"

    def __add__(self, other: "Money") -> "Money":
        self._refuse_other(other)
        return replace(self, amount=_EXACT.add(self.amount, other.amount))

    def __sub__(self, other: "Money") -> "Money":
        self._refuse_other(other)
        return replace(self, amount=_EXACT.subtract(self.amount, other.amount))

    def per_year(self) -> "Money":
        """Twelve months make a year; what is paid once has no yearly amount."""
        if self.period == "once":
            raise MoneyError(f"{self} is paid once, so it has no amount per year; show it apart.")
        times = MONTHS_PER_YEAR if self.period == "month" else 1
        return Money(_EXACT.multiply(self.amount, Decimal(times)), self.currency, "year")

    def _refuse_other(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise MoneyError(f"{self} and {other} are in two currencies; convert one of them first.")
        if self.period != other.period:
            raise MoneyError(f"{self} and {other} are paid for different periods; bring both to a year first.")
