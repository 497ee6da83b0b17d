"""A document as a PDF: drawn from words alone, with fonts that come with us. Nothing is loaded from anywhere while it
is drawn.

The letters are real text, so that they can be searched and copied. A letter that the font does not have, such as those
of Chinese, becomes a box, and the last line says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

from keepwell.base.marked_text import Block, Run

FONTS: Final = Path(__file__).parent / "fonts"
FONT: Final = "dejavu"
BOX: Final = "\u25a1"
BASIS: Final = "What the numbers rest on"
NOT_IN_FONT: Final = (
    f"{BOX} stands for a letter that the font of this PDF does not have; the page in Keepwell shows it."
)
# Sizes in points, distances in millimetres.
TITLE_SIZE, HEADING_SIZE, TEXT_SIZE, SMALL_SIZE = 18, 13, 10.5, 8.5
LINE: Final = 5.4
MARK: Final = 6.0
GREY: Final = (91, 101, 115)
LINK: Final = (29, 78, 216)


@dataclass(frozen=True, slots=True)
class PdfPage:
    """`head` stands below the title; `basis` says of each number what it is and what it rests on."""

    title: str
    head: Sequence[str]
    blocks: Sequence[Block]
    basis: Sequence[tuple[str, str]]
    made_at: datetime


def document_pdf(page: PdfPage) -> bytes:
    """The same document gives the same bytes."""
    paper = _Paper(page.made_at)
    paper.write([Run(page.title, is_strong=True)], TITLE_SIZE, LINE * 1.6)
    for line in page.head:
        paper.write([Run(line)], SMALL_SIZE, LINE * 0.85, colour=GREY)
    paper.gap(LINE)
    for block in page.blocks:
        paper.block(block)
    if page.basis:
        paper.block(Block("heading", [Run(BASIS)]))
        for about, rests_on in page.basis:
            paper.block(Block("item", [Run(f"{about} ", is_strong=True), Run(rests_on)]))
    if paper.has_boxes:
        paper.gap(LINE / 2)
        paper.write([Run(NOT_IN_FONT)], SMALL_SIZE, LINE * 0.85, colour=GREY)
    return paper.bytes()


class _Paper:
    def __init__(self, made_at: datetime) -> None:
        self._pdf = FPDF(format="A4")
        self._pdf.set_creation_date(made_at)
        self._pdf.set_margins(22, 20)
        self._pdf.set_auto_page_break(auto=True, margin=20)
        self._pdf.add_font(FONT, "", FONTS / "DejaVuSans.ttf")
        self._pdf.add_font(FONT, "B", FONTS / "DejaVuSans-Bold.ttf")
        self._pdf.add_page()
        self._pdf.set_font(FONT, size=TEXT_SIZE)
        font = self._pdf.fonts[FONT]
        self._known = frozenset(font.cmap) if isinstance(font, TTFFont) else frozenset()
        self.has_boxes = False

    def block(self, block: Block) -> None:
        if block.kind == "heading":
            self.gap(LINE / 2)
            strong = [Run(run.text, is_strong=True, href=run.href) for run in block.runs]
            self.write(strong, HEADING_SIZE, LINE * 1.3)
            self.gap(LINE / 4)
        elif block.kind == "item":
            self.write(block.runs, TEXT_SIZE, LINE, mark="•")
            self.gap(LINE / 5)
        else:
            self.write(block.runs, TEXT_SIZE, LINE)
            self.gap(LINE / 2)

    def write(
        self,
        runs: Sequence[Run],
        size: float,
        line: float,
        *,
        colour: tuple[int, int, int] = (0, 0, 0),
        mark: str = "",
    ) -> None:
        """Runs one behind the other, broken into lines, and a line of its own for what comes next.

        A mark stands before them, and all their lines behind it.
        """
        margin = self._pdf.l_margin
        if mark:
            self._pdf.set_font(FONT, size=size)
            self._pdf.set_text_color(*colour)
            self._pdf.cell(MARK, line, f"{mark} ", align="R")
            self._pdf.set_left_margin(margin + MARK)
        for run in runs:
            self._pdf.set_font(FONT, "B" if run.is_strong else "", size)
            self._pdf.set_text_color(*(LINK if run.href else colour))
            text = self._drawn(run.text)
            self._keep_word_whole(text, line)
            self._pdf.write(line, text, run.href)
        self._pdf.set_left_margin(margin)
        self._pdf.cell(0, line, "", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _keep_word_whole(self, text: str, line: float) -> None:
        """A first word that does not fit behind the run before it goes to the next line instead of being cut."""
        pdf = self._pdf
        width = pdf.get_string_width(text.split(" ", 1)[0].split("\n", 1)[0]) + 2 * pdf.c_margin
        room = pdf.w - pdf.r_margin - pdf.x
        if room < width < pdf.epw:
            pdf.ln(line)

    def gap(self, height: float) -> None:
        self._pdf.ln(height)

    def bytes(self) -> bytes:
        return bytes(self._pdf.output())

    def _drawn(self, text: str) -> str:
        """The text with a box for every letter that the font does not have."""
        found = "".join(letter if letter == "\n" or ord(letter) in self._known else BOX for letter in text)
        self.has_boxes = self.has_boxes or found != text
        return found
