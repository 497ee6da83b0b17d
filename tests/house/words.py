"""Reads the words of `docs/glossary.md` and finds names in code that go against them."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import yaml

_ROW = re.compile(r"^\|(.+)\|$")
_REJECTED = re.compile(r"`([a-z_]+)`( alone)?")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Allowed:
    """A name that may stay, in the files that the pattern covers."""

    name: str
    files: str
    why: str


@dataclass(frozen=True, slots=True)
class Glossary:
    """`rejected` words must not be a part of a name; `rejected_alone` must not be the whole of it."""

    rejected: frozenset[str]
    rejected_alone: frozenset[str]
    exceptions: tuple[Allowed, ...]

    def wrong_word(self, name: str, file: str) -> str | None:
        parts = words_of(name)
        text = "_".join(parts)
        for word in sorted(self.rejected):
            if f"_{word}_" in f"_{text}_" and not self._is_excepted(name, file):
                return word
        return text if text in self.rejected_alone and not self._is_excepted(name, file) else None

    def _is_excepted(self, name: str, file: str) -> bool:
        return any(fnmatchcase(name, e.name) and fnmatchcase(file, e.files) for e in self.exceptions)


def read_glossary(text: str) -> Glossary:
    terms = list(_rows(text, ("term", "meaning", "not")))
    exceptions = list(_rows(text, ("name", "files", "why")))
    rejected = [match for row in terms for match in _REJECTED.findall(row[2])]
    return Glossary(
        rejected=frozenset(word for word, alone in rejected if not alone),
        rejected_alone=frozenset(word for word, alone in rejected if alone),
        exceptions=tuple(Allowed(name.strip("`"), files.strip("`"), why) for name, files, why in exceptions),
    )


def _rows(text: str, head: tuple[str, ...]) -> Iterator[list[str]]:
    """Rows of the tables with this head, each cell trimmed."""
    is_inside = False
    for line in text.splitlines():
        match = _ROW.match(line.strip())
        cells = [cell.strip() for cell in match.group(1).split("|")] if match else []
        if tuple(cells) == head:
            is_inside = True
        elif not cells:
            is_inside = False
        elif is_inside and not set(cells[0]) <= set("-: "):
            yield cells


def words_of(name: str) -> list[str]:
    """Parts of a snake_case or CamelCase name in lower case, each in the singular."""
    return [_singular(part.lower()) for part in _PARTS.findall(name)]


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word


def names_in_python(text: str) -> Iterator[tuple[int, str]]:
    """Line and name of everything the code itself names: classes, functions, arguments, attributes, variables."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname


def names_in_yaml(text: str) -> Iterator[tuple[int, str]]:
    """Line and name of every key."""

    def walk(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                yield key.start_mark.line + 1, str(key.value)
                yield from walk(value)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                yield from walk(item)

    composed: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    yield from walk(composed)
