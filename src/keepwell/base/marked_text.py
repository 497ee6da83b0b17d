"""Documents as blocks of words: the few marks that they have, read from their HTML by a list of what may be.

Whatever is not on the list counts as text or is left out, and nothing that is named by an address is ever loaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final, Literal

BlockKind = Literal["heading", "paragraph", "item"]

_BLOCKS: Final[dict[str, BlockKind]] = {"h2": "heading", "p": "paragraph", "li": "item"}
_SILENT: Final = frozenset({"script", "style", "title", "head"})


@dataclass(frozen=True, slots=True)
class Run:
    """Words that look alike; `href` is "" unless they are a link, and then begins with https://."""

    text: str
    is_strong: bool = False
    is_emphasised: bool = False
    href: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    kind: BlockKind
    runs: Sequence[Run]

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


def read_blocks(html: str) -> list[Block]:
    """The blocks of a document in their order; empty ones are left out."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end_block()
    return reader.blocks


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._kind: BlockKind = "paragraph"
        self._runs: list[Run] = []
        self._strong = self._emphasis = self._silent = 0
        self._href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.end_block()
            self._kind = _BLOCKS[tag]
        elif tag == "a":
            href = dict(attrs).get("href") or ""
            self._href = href if href.startswith("https://") else ""
        elif tag == "br":
            self._add("\n")
        self._strong += tag == "strong"
        self._emphasis += tag == "em"
        self._silent += tag in _SILENT

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.end_block()
        elif tag == "a":
            self._href = ""
        self._strong -= tag == "strong"
        self._emphasis -= tag == "em"
        self._silent -= tag in _SILENT

    def handle_data(self, data: str) -> None:
        self._add(" ".join(data.split("\n")))

    def end_block(self) -> None:
        """What was read so far is a block of its own."""
        if "".join(run.text for run in self._runs).strip():
            self.blocks.append(Block(self._kind, tuple(self._runs)))
        self._runs, self._kind = [], "paragraph"

    def _add(self, text: str) -> None:
        if self._silent <= 0 and text:
            self._runs.append(Run(text, self._strong > 0, self._emphasis > 0, self._href))
