"""The frame of a mail in HTML: made from MJML once for each order of text and buttons, without values.

The frame loads nothing: no fonts, no pictures, no style sheets.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal

import mjml

Part = Literal["text", "button"]

TITLE: Final = "title"
PREHEADER: Final = "preheader"
_SLOT: Final = re.compile(r"KwSlot([a-z]+[0-9]*)KwSlot")

PARAGRAPH_STYLE: Final = "margin:0 0 16px"
HEADING_STYLE: Final = "margin:0 0 12px;font-size:20px;line-height:28px"
LIST_STYLE: Final = "margin:0 0 16px;padding-left:24px"
ITEM_STYLE: Final = "margin:0 0 4px"
LINK_STYLE: Final = "color:#1d4ed8"


@lru_cache(maxsize=64)
def frame(parts: Sequence[Part]) -> tuple[str, ...]:
    """Pieces of HTML and, between each two of them, the name of what belongs there.

    The names are `title`, `preheader`, and by the number of a part `text0`, `label1`, `link1`. Their order is that of
    the HTML, and one may come more than once.
    """
    return tuple(_SLOT.split(mjml.mjml2html(_mjml(parts))))


def _mjml(parts: Sequence[Part]) -> str:
    inside = "".join(_part(number, part) for number, part in enumerate(parts))
    return (
        '<mjml lang="en"><mj-head>'
        f"<mj-title>{_slot(TITLE)}</mj-title><mj-preview>{_slot(PREHEADER)}</mj-preview>"
        '<mj-attributes><mj-all font-family="Arial, Helvetica, sans-serif" />'
        '<mj-text font-size="16px" line-height="24px" color="#1f2933" padding="0 24px" />'
        '<mj-button align="left" background-color="#1d4ed8" color="#ffffff" font-size="16px" border-radius="4px"'
        ' inner-padding="12px 20px" padding="4px 24px 20px" />'
        "</mj-attributes></mj-head>"
        '<mj-body background-color="#f4f5f7" width="600px"><mj-section background-color="#ffffff" padding="24px 0">'
        f"<mj-column>{inside}</mj-column></mj-section></mj-body></mjml>"
    )


def _part(number: int, part: Part) -> str:
    if part == "button":
        return f'<mj-button href="{_slot(f"link{number}")}">{_slot(f"label{number}")}</mj-button>'
    return f"<mj-text>{_slot(f'text{number}')}</mj-text>"


def _slot(name: str) -> str:
    return f"KwSlot{name}KwSlot"
