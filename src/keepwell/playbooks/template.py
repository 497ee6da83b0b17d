"""A message template: the head and the body of one file, read and refused as a whole.

A file is `templates/<id>.md`: a head in YAML between two lines of `---`, then a body in Markdown with fields in braces.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from jinja2 import nodes
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from keepwell.base.errors import Problem
from keepwell.base.shape import Name, read_shape
from keepwell.base.yaml_source import YamlSource, read_yaml
from keepwell.playbooks.template_fact import literal_fact
from keepwell.playbooks.template_markdown import LINK, Node, body_problems, read_body, segments
from keepwell.playbooks.template_settings import TemplateSettings
from keepwell.playbooks.template_tree import literals, parse
from keepwell.playbooks.template_walk import walk

FENCE: Final = "---"
# What a line of a header must not hold: breaks of lines, other controls, and halves of characters.
UNFIT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LONGEST_SUBJECT: Final = 200

Purpose = Literal["retention", "expansion", "service"]


class TemplateHead(BaseModel):
    """`from_role` signs; `call_to_action` is the link that the message asks to follow; `offer` is what it speaks of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: StrictStr
    subject: Annotated[StrictStr, Field(min_length=1)]
    purpose: Purpose
    about: StrictStr = ""
    preheader: StrictStr = ""
    from_role: Name | None = None
    call_to_action: Name | None = None
    offer: Name | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """One that has passed; `body` are the tokens of its Markdown, with the braces as they were written."""

    id: str
    file: str
    head: TemplateHead
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class TemplateReading:
    """The template, or everything that is wrong with its file."""

    template: Template | None
    problems: tuple[Problem, ...]


def read_template(template_id: str, file: str, text: str, settings: TemplateSettings) -> TemplateReading:
    """Read one file; never raises on any text."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    head_text, body_text, body_line = _split(text)
    if body_line == 0:
        problem = Problem(file, 1, f"a template begins with a head between two lines of '{FENCE}'.")
        return TemplateReading(None, (problem,))
    source = read_yaml(file, head_text)
    head, problems, _ = read_shape(TemplateHead, source)
    found = [*source.problems, *problems]
    if head is not None:
        found += _head_problems(source, head, settings)
    body, body_found = _read_body(file, body_line, body_text, settings)
    found += body_found
    if head is not None and head.call_to_action and not _links_to(body, head.call_to_action):
        name = head.call_to_action
        found.append(source.problem(("call_to_action",), f"the body holds no link to '{name}': [words](links.{name})."))
    if found or head is None:
        return TemplateReading(None, tuple(sorted(set(found))))
    return TemplateReading(Template(template_id, file, head, tuple(body)), ())


def _split(text: str) -> tuple[str, str, int]:
    """Head, body and the line that the body begins on; 0 where there is no head. The head keeps its lines' numbers."""
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        return "", "", 0
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == FENCE), 0)
    if end == 0:
        return "", "", 0
    return "\n".join(["", *lines[1:end]]), "\n".join(lines[end + 1 :]), end + 2


def _head_problems(source: YamlSource, head: TemplateHead, settings: TemplateSettings) -> Iterator[Problem]:
    for key, text in (("subject", head.subject), ("preheader", head.preheader)):
        line = source.line((key,))
        found = UNFIT.search(text)
        if found:
            one_line = f"'{key}' must be one line; it holds U+{ord(found.group()):04X}."
            yield Problem(source.file, line, one_line)
        elif len(text) > LONGEST_SUBJECT:
            yield Problem(source.file, line, f"'{key}' must have at most {LONGEST_SUBJECT} characters.")
        else:
            yield from _text_problems(source.file, line, text, settings)
            yield from _line_facts(source.file, line, text, settings)
    named = (
        ("from_role", head.from_role, settings.unknown_role),
        ("call_to_action", head.call_to_action, settings.unknown_link),
        ("offer", head.offer, settings.unknown_offer),
    )
    for key, name, unknown in named:
        sentence = unknown(name) if name else None
        if sentence:
            yield source.problem((key,), sentence)


def _text_problems(file: str, line: int, text: str, settings: TemplateSettings) -> Iterator[Problem]:
    """What the walk refuses, and what stands in braces where it must not or in more lines than one."""
    yield from walk(file, line, text, settings.catalogue())
    tree = parse(text)
    if not isinstance(tree, nodes.Template):
        return
    for at, sentence in segments(text)[1]:
        yield Problem(file, line + at - 1, sentence)
    for at, word in literals(tree):
        yield from _fact(file, line + at - 1, word, settings)


def _line_facts(file: str, line: int, text: str, settings: TemplateSettings) -> Iterator[Problem]:
    """Facts in the words between the braces of a text that is no Markdown."""
    tree = parse(text)
    if isinstance(tree, nodes.Template):
        words = " ".join(data.data for data in tree.find_all(nodes.TemplateData))
        yield from _fact(file, line, words, settings)


def _fact(file: str, line: int, words: str, settings: TemplateSettings) -> Iterator[Problem]:
    fact = literal_fact(words, settings.terms)
    if fact:
        sentence = (
            f"'{fact}' is a fact written out; show a field instead, such as one of the offer, "
            "or list it under 'terms' in settings.yaml if it is a name."
        )
        yield Problem(file, line, sentence)


def _read_body(file: str, line: int, text: str, settings: TemplateSettings) -> tuple[list[Node], list[Problem]]:
    problems = list(_text_problems(file, line, text, settings))
    if not isinstance(parse(text), nodes.Template):
        return [], problems
    inside, _, kept = segments(text)
    body = read_body(kept, [segment for _, segment in inside])
    if not any(node.token.content for node in body):
        problems.append(Problem(file, line, "the body is empty."))
    found = list(body_problems(body)) if not problems else []
    problems += [Problem(file, line + at - 1, sentence) for at, sentence in found]
    for node in body:
        at = line + node.line - 1
        if node.token.type == "text":
            problems += _fact(file, at, node.token.content, settings)
        elif node.token.type == "link_open":
            sentence = _link_problem(node, settings)
            problems += [Problem(file, at, sentence)] if sentence else []
    return body, problems


def link_name(node: Node) -> str | None:
    """The name of the settings' link that a token begins a link to."""
    found = LINK.fullmatch(str(node.token.attrs.get("href", "")))
    return found.group(1) if found else None


def _link_problem(node: Node, settings: TemplateSettings) -> str | None:
    name = link_name(node)
    if name is None:
        target = str(node.token.attrs.get("href", ""))[:60]
        return f"a link goes to 'links.<name>', a link of settings.yaml, not to '{target}'."
    return settings.unknown_link(name)


def _links_to(body: list[Node], name: str) -> bool:
    return any(node.token.type == "link_open" and link_name(node) == name for node in body)
