"""A template turned into what is rendered: the text part and the parts of the HTML, both from the same tokens.

Words of the template are escaped here; the braces stay and are filled when a message is rendered.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from keepwell.base.errors import BugError
from keepwell.playbooks.mail_layout import (
    HEADING_STYLE,
    ITEM_STYLE,
    LINK_STYLE,
    LIST_STYLE,
    PARAGRAPH_STYLE,
    PREHEADER,
    TITLE,
    Part,
    frame,
)
from keepwell.playbooks.template import Template, link_name
from keepwell.playbooks.template_markdown import BRACES, Node
from keepwell.playbooks.template_settings import CSM, TemplateSettings

# Outside of the fields: whoever signs, as the settings say, and the two lines that are rendered before the HTML.
SENDER: Final = "sender"
SUBJECT_LINE: Final = "subject_line"
PREHEADER_LINE: Final = "preheader_line"

_STYLE: Final = re.compile(r' style="[^"]*"')
_LIST_OPEN: Final = "bullet_list_open"
_LIST_CLOSE: Final = "bullet_list_close"


@dataclass(frozen=True, slots=True)
class MailSource:
    """What Jinja2 is given: texts with braces that the walk has passed, and literals without any."""

    subject: str
    preheader: str
    text: str
    html: str


def mail_source(template: Template, settings: TemplateSettings) -> MailSource:
    head = template.head
    nodes = _whole_lists(template.body)
    text = "".join(_text(nodes, settings))
    kinds: list[Part] = []
    filled = {TITLE: f"{{{{ {SUBJECT_LINE} }}}}", PREHEADER: f"{{{{ {PREHEADER_LINE} }}}}"}
    for number, (kind, part) in enumerate(_parts(nodes, head.call_to_action)):
        kinds.append(kind)
        if kind == "button":
            filled[f"link{number}"] = escape(_url(part[0], settings))
            filled[f"label{number}"] = "".join(_html(part[1:-1], settings))
        else:
            filled[f"text{number}"] = "".join(_html(part, settings))
    if head.from_role:
        owner = CSM if head.from_role == CSM else SENDER
        text += f"{{{{ {owner}.name }}}}\n{{{{ {owner}.title }}}}\n"
        filled[f"text{len(kinds)}"] = _paragraph(f"{{{{ {owner}.name }}}}<br />{{{{ {owner}.title }}}}")
        kinds.append("text")
    pieces = frame(tuple(kinds))
    # The frame is ours and holds braces of style sheets; everything at odd places is the name of a slot.
    html = "".join(filled[piece] if at % 2 else _verbatim(piece) for at, piece in enumerate(pieces))
    return MailSource(head.subject, head.preheader, text, html)


def document_source(template: Template, settings: TemplateSettings) -> MailSource:
    """The blocks alone: without frame, styles and signature."""
    nodes = _whole_lists(template.body)
    # Words of the template are escaped, so that no quote of theirs can look like a style.
    html = _STYLE.sub("", "".join(_html(nodes, settings)))
    return MailSource(template.head.subject, "", "".join(_text(nodes, settings)), html)


def _verbatim(piece: str) -> str:
    if "endraw" in piece:
        raise BugError("The frame of a mail must not end the part that Jinja2 leaves alone.")
    return f"{{% raw %}}{piece}{{% endraw %}}" if piece else ""


def _literal(text: str) -> str:
    """Words of the template. A brace among them could become a field together with its neighbours."""
    if "{" in text or "}" in text:
        raise BugError("A template with a brace in its words was not refused.")
    return text


def _paragraph(inside: str) -> str:
    return f'<p style="{PARAGRAPH_STYLE}">{inside}</p>'


def _whole_lists(nodes: Sequence[Node]) -> list[Node]:
    """Items that come by `for` or `if` become items of the list that they belong to, instead of lists of their own.

    A list in a `for` has the loop inside; one in an `if` that stands behind another list goes on with that one.
    """
    found = list(nodes)
    at = 0
    while at < len(found) - 1:
        node, after = found[at], found[at + 1]
        is_loop = node.statement == "for" and after.token.type == _LIST_OPEN
        goes_on = node.statement == "if" and after.token.type == _LIST_OPEN and at > 0 and _closes(found[at - 1], after)
        end = _end_of_list(found, at + 1) if is_loop or goes_on else 0
        if end and end + 1 < len(found) and found[end + 1].statement == f"end{node.statement}":
            found[end], found[end + 1] = found[end + 1], found[end]
            if is_loop:
                found[at], found[at + 1] = after, node
            else:
                del found[at + 1], found[at - 1]
        elif after.token.type == _LIST_OPEN and _closes(node, after):
            del found[at : at + 2]
            at -= 1
            continue
        at += 1
    return found


def _closes(node: Node, opening: Node) -> bool:
    return node.token.type == _LIST_CLOSE and node.token.level == opening.token.level


def _end_of_list(nodes: Sequence[Node], opening: int) -> int:
    return next(at for at in range(opening, len(nodes)) if _closes(nodes[at], nodes[opening]))


def _parts(nodes: Sequence[Node], call_to_action: str | None) -> Iterator[tuple[Part, list[Node]]]:
    """Runs of text, and paragraphs that are nothing but the call to action and become buttons."""
    run: list[Node] = []
    depth = 0
    at = 0
    while at < len(nodes):
        node = nodes[at]
        depth += {"if": 1, "for": 1, "endif": -1, "endfor": -1}.get(node.statement, 0)
        end = _end_of_button(nodes, at, call_to_action) if depth == 0 and call_to_action else 0
        if end:
            if run:
                yield "text", run
            yield "button", list(nodes[at + 1 : end])
            run = []
            at = end + 1
            continue
        run.append(node)
        at += 1
    if run:
        yield "text", run


def _end_of_button(nodes: Sequence[Node], at: int, call_to_action: str | None) -> int:
    """The place where a paragraph ends that is nothing but this link; 0 for anything else."""
    opening = nodes[at].token
    if opening.type != "paragraph_open" or opening.level != 0 or link_name(nodes[at + 1]) != call_to_action:
        return 0
    end = next(number for number in range(at, len(nodes)) if nodes[number].token.type == "paragraph_close")
    inside = nodes[at + 1 : end]
    links = [node for node in inside if node.token.type == "link_open"]
    return end if len(links) == 1 and inside[-1].token.type == "link_close" else 0


def _url(node: Node, settings: TemplateSettings) -> str:
    return settings.links[link_name(node) or ""].url


_TAGS: Final = {
    "strong_open": "<strong>",
    "strong_close": "</strong>",
    "em_open": "<em>",
    "em_close": "</em>",
    "link_close": "</a>",
    "softbreak": "\n",
    "hardbreak": "<br />",
    _LIST_OPEN: f'<ul style="{LIST_STYLE}">',
    _LIST_CLOSE: "</ul>",
    "list_item_open": f'<li style="{ITEM_STYLE}">',
    "list_item_close": "</li>",
    "heading_open": f'<h2 style="{HEADING_STYLE}">',
    "heading_close": "</h2>",
}


def _html(nodes: Sequence[Node], settings: TemplateSettings) -> Iterator[str]:
    for node in nodes:
        token = node.token
        if token.type == BRACES:
            yield token.content
        elif token.type == "text":
            yield escape(_literal(token.content))
        elif token.type == "link_open":
            yield f'<a href="{escape(_url(node, settings))}" style="{LINK_STYLE}">'
        elif token.type == "paragraph_open":
            yield f'<p style="{PARAGRAPH_STYLE}">' if token.level == 0 else ""
        elif token.type == "paragraph_close":
            yield "</p>" if token.level == 0 else ""
        else:
            yield _TAGS[token.type]


def _text(nodes: Sequence[Node], settings: TemplateSettings) -> Iterator[str]:
    """Paragraphs with an empty line between them, items with a dash, links with their address behind the words."""
    targets: list[str] = []
    for at, node in enumerate(nodes):
        token = node.token
        if token.type == BRACES:
            yield token.content
        elif token.type == "text":
            yield _literal(token.content)
        elif token.type == "link_open":
            targets.append(_link_text(nodes, at, _url(node, settings)))
        elif token.type == "link_close":
            yield targets.pop()
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n" if token.type == "hardbreak" else " "
        elif token.type == "list_item_open":
            yield f"{'  ' * (token.level // 2)}- "
        elif token.type in ("paragraph_close", "heading_close"):
            yield "\n\n" if token.level == 0 else "\n"
        elif token.type == _LIST_CLOSE and token.level == 0:
            yield "\n"


def _link_text(nodes: Sequence[Node], at: int, url: str) -> str:
    """`: address` behind words that are a whole line, `(address)` behind words within one."""
    closing = next(number for number in range(at, len(nodes)) if nodes[number].token.type == "link_close")
    is_alone = nodes[at - 1].token.type == "paragraph_open" and nodes[closing + 1].token.type == "paragraph_close"
    return f": {url}" if is_alone else f" ({url})"
