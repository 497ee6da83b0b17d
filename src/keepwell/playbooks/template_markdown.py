"""The body of a template: Markdown read once, before any value is known, so that no value can become markup.

Read are paragraphs, headings, lists, *emphasis*, **strong words**, line breaks and links; no HTML, no images, no code.
A `{% … %}` alone on its line stands between blocks. Everything in braces passes through as it is.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from jinja2 import Environment
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

# The type of our own tokens: something in braces, passed through.
BRACES: Final = "braces"
LINK: Final = re.compile(r"links\.([a-z][a-z0-9_]*)")
_RULES: Final = ("heading", "list", "emphasis", "link", "newline", "escape")
_SEGMENTS: Final = "segments"
_STATEMENT: Final = re.compile(r"\{%\s*(\w+)")
_HTML: Final = re.compile(r"<[A-Za-z/!?]|&(?:#\w+|\w+);")


@dataclass(frozen=True, slots=True)
class Node:
    """One token of the body in reading order, with the line (from 1) that its block begins on."""

    token: Token
    line: int

    @property
    def statement(self) -> str:
        """`if`, `endfor` and the like; empty for everything else."""
        found = _STATEMENT.match(self.token.content) if self.token.type == BRACES else None
        return found.group(1) if found else ""


def segments(text: str) -> tuple[list[tuple[int, str]], list[tuple[int, str]], str]:
    """What stands in braces with its line, what is wrong with that, and the text without comments.

    The text is one that Jinja2 can parse.
    """
    found: list[tuple[int, str]] = []
    wrong: list[tuple[int, str]] = []
    kept: list[str] = []
    inside = ""
    begun = 1
    for line, kind, value in Environment(autoescape=True, keep_trailing_newline=True).lex(text):
        if kind == "data":
            kept.append(value)
            continue
        if kind.endswith("_begin"):
            begun, inside = line, ""
        inside += value
        if not kind.endswith("_end"):
            continue
        if kind == "comment_end":
            kept.append("\n" * inside.count("\n"))
            continue
        if kind.startswith("raw"):
            wrong.append((begun, "'raw' is not allowed in a template."))
        elif "\n" in inside.rstrip():
            wrong.append((begun, "what stands in braces must stand on one line."))
        elif inside[2:3] in ("-", "+") or inside.rstrip()[-3:-2] in ("-", "+"):
            wrong.append((begun, "'-' and '+' at the braces are not needed; lines of braces leave no blank line."))
        else:
            found.append((begun, inside))
        kept.append(inside)
    return found, wrong, "".join(kept)


def read_body(text: str, inside: Sequence[str]) -> list[Node]:
    """The tokens of a body whose braces are these segments, inline ones between their blocks."""
    return list(_flat(_reader().parse(text, {_SEGMENTS: tuple(dict.fromkeys(inside))})))


def body_problems(nodes: Sequence[Node]) -> Iterator[tuple[int, str]]:
    """What a body may not hold, as lines and sentences."""
    opened: list[str] = []
    for at, node in enumerate(nodes):
        token = node.token
        if token.type == "text":
            if "{" in token.content or "}" in token.content:
                yield node.line, "a brace stands alone; braces hold fields and statements only."
            if _HTML.search(token.content):
                yield node.line, "HTML is not read in a template; write Markdown."
            if token.content.endswith("!") and nodes[at + 1].token.type == "link_open":
                yield node.line, "images are not shown in mails."
        if token.type == "ordered_list_open":
            yield node.line, "lists have no numbers in a template; begin each item with '-'."
        yield from _unbalanced(node, opened)


def _unbalanced(node: Node, opened: list[str]) -> Iterator[tuple[int, str]]:
    """A statement ends inside the very block, list or emphasis that it begins in."""
    word, token = node.statement, node.token
    if word in ("if", "for") or token.nesting == 1:
        opened.append(word or token.tag)
    elif word in ("endif", "endfor"):
        if opened and opened[-1] == word.removeprefix("end"):
            opened.pop()
        else:
            yield node.line, f"'{word}' stands in another paragraph, list or emphasis than its beginning."
    elif word in ("elif", "else"):
        if not opened or opened[-1] != "if":
            yield node.line, f"'{word}' stands in another paragraph, list or emphasis than its 'if'."
    elif token.nesting == -1:
        while opened and opened[-1] in ("if", "for"):
            opened.pop()
        if opened:
            opened.pop()


def _flat(tokens: Sequence[Token]) -> Iterator[Node]:
    line = 1
    for token in tokens:
        if token.map:
            line = token.map[0] + 1
        if token.type == "inline":
            yield from (Node(child, line) for child in token.children or ())
        else:
            yield Node(token, line)


class _Reader(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802  # the library calls it so
        """Every link is read as one, so that those to elsewhere are refused and not shown as text."""
        return True


@cache
def _reader() -> MarkdownIt:
    found = _Reader("zero", {"html": False}).enable(list(_RULES))
    found.block.ruler.before("paragraph", BRACES, _block_rule, {"alt": ["paragraph", "list"]})
    found.inline.ruler.before("text", BRACES, _inline_rule)
    return found


def _block_rule(state: StateBlock, first_line: int, last_line: int, silent: bool) -> bool:
    text = state.src[state.bMarks[first_line] + state.tShift[first_line] : state.eMarks[first_line]].strip()
    if not text.startswith("{%") or text not in state.env[_SEGMENTS]:
        return False
    if not silent:
        state.line = first_line + 1
        token = state.push(BRACES, "", 0)
        token.content, token.map = text, [first_line, state.line]
    return True


def _inline_rule(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "{":
        return False
    for segment in state.env[_SEGMENTS]:
        if state.src.startswith(segment, state.pos):
            if not silent:
                state.push(BRACES, "", 0).content = segment
            state.pos += len(segment)
            return True
    return False
