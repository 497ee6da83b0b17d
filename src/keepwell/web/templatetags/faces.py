"""How numbers, times and bands are written on pages."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from keepwell.base import figure
from keepwell.base.figure import NONE, THIN, signed
from keepwell.store.read.health_model import BandFace

register = template.Library()
register.filter("passed", figure.passed)
register.filter("money", figure.money)


@register.filter
def points(nano: int | None, places: int = 1) -> str:
    """1e-9 points as points: 72.4. Exact in the database, rounded only here."""
    if nano is None:
        return NONE
    exact = Decimal(nano).scaleb(-9)
    return signed(exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN), with_plus=False)


@register.filter
def whole_points(nano: int | None) -> str:
    """Rounded down, so that a score never shows the number of a band it has not reached."""
    return NONE if nano is None else str(nano // 1_000_000_000)


@register.filter
def change(nano: int | None, places: int = 1) -> str:
    """A change in points, always with its sign: +2.3, −9.1, 0.0."""
    if nano is None:
        return NONE
    return signed(Decimal(nano).scaleb(-9).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN), with_plus=True)


@register.filter
def count_change(number: int) -> str:
    return signed(Decimal(number), with_plus=True)


@register.filter
def direction(nano: int | None) -> str:
    """up, down or flat, as the page would show it with one decimal."""
    if nano is None or abs(nano) < 50_000_000:
        return "flat"
    return "up" if nano > 0 else "down"


@register.filter
def percent(share: float | None) -> str:
    return NONE if share is None else f"{round(share * 100)}{THIN}%"


@register.filter
def fine_percent(share: float | None) -> str:
    """With one decimal, and never 0 where there was something."""
    if share is None:
        return NONE
    return f"<{THIN}0.1{THIN}%" if 0 < share < 0.001 else f"{share * 100:.1f}{THIN}%"


@register.filter
def when(moment: datetime | None) -> str:
    return NONE if moment is None else f"{moment.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


@register.filter
def day(moment: date | None) -> str:
    return NONE if moment is None else f"{moment:%-d %b %Y}"


@register.filter
def clock(moment: datetime | None) -> str:
    return NONE if moment is None else f"{moment.astimezone(UTC):%H:%M}"


@register.filter
def grouped(number: int) -> str:
    return f"{number:,}"


@register.filter
def plural(number: int, words: str) -> str:
    """plural:"account,accounts" picks the word."""
    one, many = words.split(",")
    return one if number == 1 else many


@register.simple_tag
def band_icon(tier: str) -> SafeString:
    """The shape of a tier; its colour comes from the style sheet."""
    return format_html(
        '<svg class="icon" aria-hidden="true" viewBox="0 0 16 16"><path d="{}"/></svg>', SHAPES.get(tier, UNKNOWN_SHAPE)
    )


def tier_of(band: BandFace | None) -> str:
    return band.tier if band else "unknown"


# Double up, disc, diamond, down, stop; a ring for unknown.
SHAPES = {
    "grow": "M8 1 14 7H2zM8 8l6 6H2z",
    "stable": "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z",
    "watch": "M8 1.5 14.5 8 8 14.5 1.5 8z",
    "act": "M2 3.5h12L8 13.5z",
    "emergency": "M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5z",
}
UNKNOWN_SHAPE = "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zm0 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8z"
