"""The fifteen filters of templates. They take text, numbers and lists, and nothing that they give grows by itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from keepwell.base.figure import CURRENCIES, MINUS, THIN, measured, signed

NUMBERS: Final = frozenset({"number", "share"})
_TEXT: Final = frozenset({"text"})
_TEXTS: Final = frozenset({"texts"})
_LISTS: Final = frozenset({"texts", "records"})
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TemplateFilter:
    """`takes` are the types it is put behind, `gives` the type of the result, `arguments` the types in its brackets.

    The last `optional` arguments may be left out.
    """

    takes: frozenset[str]
    gives: str
    apply: Callable[..., object]
    arguments: tuple[frozenset[str], ...] = ()
    optional: int = 0


def number(value: float | Decimal) -> str:
    """At most three figures for fractions; whole numbers stay whole, with commas between thousands."""
    return measured(float(value), "number")


def percent(value: float | Decimal) -> str:
    """0.5 as 50%; below a tenth with one decimal."""
    return measured(float(value), "share").replace(THIN, "")


def money(value: float | Decimal, currency: str) -> str:
    """To the cent, unless it is a whole amount."""
    amount = Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    whole = amount == amount.to_integral_value()
    shown = signed(amount.quantize(Decimal(1)) if whole else amount, with_plus=False)
    sign = CURRENCIES.get(currency)
    if sign is None:
        return f"{shown} {currency}"
    return f"{MINUS}{sign}{shown.removeprefix(MINUS)}" if shown.startswith(MINUS) else f"{sign}{shown}"


def long_date(value: str) -> str:
    """2027-03-01 as 1 March 2027. Raises ValueError for text that is no date."""
    day = date.fromisoformat(value)
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def plural(value: float | Decimal, one: str, many: str = "") -> str:
    """The number with its noun: 1 day, 12 days."""
    return f"{number(value)} {one if value == 1 else many or f'{one}s'}"


def truncate(value: str, length: float | Decimal) -> str:
    limit = max(1, int(length))
    return value if len(value) <= limit else f"{value[: limit - 1].rstrip()}…"


def join(value: Sequence[str], separator: str = ", ") -> str:
    return separator.join(value)


def sentence_list(value: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join(part for part in (", ".join(value[:-1]), value[-1] if value else "") if part)


def length(value: Sequence[object]) -> int:
    return len(value)


def first(value: Sequence[str]) -> str:
    return value[0]


FILTERS: Final[Mapping[str, TemplateFilter]] = {
    "lower": TemplateFilter(_TEXT, "text", str.lower),
    "upper": TemplateFilter(_TEXT, "text", str.upper),
    "title": TemplateFilter(_TEXT, "text", str.title),
    "capitalize": TemplateFilter(_TEXT, "text", str.capitalize),
    "trim": TemplateFilter(_TEXT, "text", str.strip),
    "truncate": TemplateFilter(_TEXT, "text", truncate, (NUMBERS,)),
    "number": TemplateFilter(NUMBERS, "text", number),
    "percent": TemplateFilter(frozenset({"share"}), "text", percent),
    "money": TemplateFilter(frozenset({"number"}), "text", money, (_TEXT,)),
    "plural": TemplateFilter(frozenset({"number"}), "text", plural, (_TEXT, _TEXT), optional=1),
    "date": TemplateFilter(frozenset({"date"}), "text", long_date),
    "join": TemplateFilter(_TEXTS, "text", join, (_TEXT,), optional=1),
    "sentence": TemplateFilter(_TEXTS, "text", sentence_list),
    "first": TemplateFilter(_TEXTS, "text", first),
    "length": TemplateFilter(_LISTS, "number", length),
}
