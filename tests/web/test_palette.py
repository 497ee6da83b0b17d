"""The palette of the style sheet: every fill, text and border reaches its contrast in both themes."""

import re
from pathlib import Path

import pytest

import keepwell.web

SHEET = (Path(keepwell.web.__file__).parent / "static" / "keepwell" / "app.css").read_text(encoding="utf-8")
TIERS = ("grow", "stable", "watch", "act", "emergency")
# As the design computed them: fill, text, tint.
DESIGNED = {
    "light": {
        "grow": ("#2440d8", "#2440d8", "#e8ecff"),
        "stable": ("#1a959f", "#0c6c74", "#e2f4f5"),
        "watch": ("#a87700", "#7a5600", "#fbf1d9"),
        "act": ("#cf2b6e", "#b01f5a", "#fde7ef"),
        "emergency": ("#43193c", "#43193c", "#f3e6f0"),
    },
    "dark": {
        "grow": ("#679ee6", "#9cc0f2", "#16233f"),
        "stable": ("#12e6e0", "#3fe9e4", "#0b2f30"),
        "watch": ("#e8cf4e", "#eddb7a", "#332c0e"),
        "act": ("#ff5d45", "#ff9383", "#3d1a14"),
        "emergency": ("#f786ab", "#f9a3bf", "#3a1826"),
    },
}


def block(start: str) -> dict[str, str]:
    text = SHEET[SHEET.index(start) :]
    found = re.findall(r"--([a-z-]+): (#[0-9a-f]+);", text[: text.index("}")])
    return {
        name: value if len(value) == 7 else "#" + "".join(2 * digit for digit in value[1:]) for name, value in found
    }


def themes() -> dict[str, dict[str, str]]:
    light = block(":root {")
    return {"light": light, "dark": light | block(':root[data-theme="dark"] {')}


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_formula_knows_black_and_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_bands_have_the_designed_colours(theme: str) -> None:
    colours = themes()[theme]
    found = {tier: (colours[tier], colours[f"{tier}-text"], colours[f"{tier}-tint"]) for tier in TIERS}
    assert found == DESIGNED[theme]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrasts_suffice(theme: str) -> None:
    colours = themes()[theme]
    for tier in TIERS:
        assert contrast(colours[tier], colours["surface"]) >= 3, tier
        assert contrast(colours[f"{tier}-text"], colours[f"{tier}-tint"]) >= 4.5, tier
        assert contrast(colours[f"{tier}-text"], colours["surface"]) >= 4.5, tier
    for ground in ("page", "surface", "sunk"):
        assert contrast(colours["text"], colours[ground]) >= 7, ground
        assert contrast(colours["muted"], colours[ground]) >= 4.5, ground
        assert contrast(colours["focus"], colours[ground]) >= 3, ground
        for tone in ("rise-text", "fall-text"):
            assert contrast(colours[tone], colours[ground]) >= 4.5, (tone, ground)
    assert contrast(colours["border"], colours["surface"]) >= 3
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    assert contrast(colours["on-emergency"], colours["emergency"]) >= 4.5


def test_the_dark_theme_is_the_same_by_system_and_by_switch() -> None:
    assert block(':root:not([data-theme="light"]) {') == block(':root[data-theme="dark"] {')
