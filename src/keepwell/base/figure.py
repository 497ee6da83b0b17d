"""How numbers are written for people, in one place: minus signs, units, and as many digits as one reads."""

from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

MINUS: Final = "\u2212"
NONE: Final = "\u2013"
THIN: Final = "\u202f"
CURRENCIES: Final = {"EUR": "€", "USD": "$", "GBP": "£"}


def measured(value: float | None, unit: str) -> str:
    """A metric's value with its unit."""
    if value is None:
        return "no data"
    if unit in {"share", "percent_change"}:
        digits = 0 if abs(value) >= 0.1 or value == 0 else 1
        return f"{signed(_rounded(value * 100, digits), with_plus=unit == 'percent_change')}{THIN}%"
    if unit in {"days", "hours", "points"}:
        word = unit.removesuffix("s") if value == 1 else unit
        return f"{signed(_trimmed(value), with_plus=False)}{THIN}{word}"
    return signed(_trimmed(value), with_plus=False)


def passed(gone: timedelta | None) -> str:
    """A length of time in its largest unit: 45 s, 4 min, 3 h, 2 days."""
    if gone is None:
        return NONE
    seconds = max(0, int(gone.total_seconds()))
    if seconds < 60:
        return f"{seconds}{THIN}s"
    if seconds < 3600:
        return f"{seconds // 60}{THIN}min"
    return f"{seconds // 3600}{THIN}h" if seconds < 48 * 3600 else f"{seconds // 86_400}{THIN}days"


def money(amount: Decimal | None, currency: str = "") -> str:
    """In whole units of the currency."""
    if amount is None:
        return NONE
    shown = f"{amount.quantize(Decimal(1), ROUND_HALF_EVEN):,}"
    sign = CURRENCIES.get(currency)
    return f"{sign}{shown}" if sign else f"{shown}{THIN}{currency}".strip()


def signed(number: Decimal, *, with_plus: bool) -> str:
    number = number if number else abs(number)
    sign = MINUS if number < 0 else "+" if with_plus and number > 0 else ""
    return f"{sign}{abs(number):,}"


def _rounded(value: float, digits: int) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)


def _trimmed(value: float) -> Decimal:
    """Three figures are enough to read; whole numbers stay whole."""
    if value == int(value):
        return Decimal(int(value))
    return _rounded(value, 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2)
