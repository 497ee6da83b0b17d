"""YAML as people mean it, with the line of every value.

A small part of YAML 1.2: mappings with text keys, sequences, and scalars that are null, `true`, `false`, a finite
decimal number or text. So `no`, `on`, `1:30`, `0x10` and `010` are text. Tags, anchors, aliases, directives, tabs,
repeated keys and second documents are refused, each with its line, and reading goes on after a refusal wherever the
rest still makes sense, so that all of them are told at once.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

import yaml

from keepwell.base.errors import Problem

LARGEST = 256 * 1024
DEEPEST = 50
MOST_DIGITS = 15

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_UNPRINTABLE = re.compile(r"[^\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Yaml = dict[str, "Yaml"] | list["Yaml"] | str | int | float | bool | None
Key = str | int
Path = tuple[Key, ...]


@dataclass(slots=True)
class Place:
    """Where a value stands: the line of its key or dash, the last line of the value, and the places inside it."""

    line: int
    last_line: int
    inside: dict[Key, "Place"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class YamlSource:
    """One file as data, the place of everything in it, and what was refused while reading it."""

    file: str
    data: Yaml
    root: Place
    problems: tuple[Problem, ...] = ()

    def place(self, path: Path) -> Place:
        """The place of the value at a path, or of the nearest thing around it that was written."""
        found = self.root
        for key in path:
            found = found.inside.get(key, found)
        return found

    def line(self, path: Path) -> int:
        return self.place(path).line

    def problem(self, path: Path, sentence: str) -> Problem:
        return Problem(self.file, self.line(path), sentence)


def read_yaml(file: str, text: str) -> YamlSource:
    """Read one text; never raises on any text, and `data` is null where nothing could be made of it."""
    found = _read(file, text)
    return replace(found, data=deepcopy(found.data))


# One look at a package reads its files several times.
@lru_cache(maxsize=512)
def _read(file: str, text: str) -> YamlSource:
    reader = _Reader(file, text)
    data, root = reader.read()
    return YamlSource(file, data, root, tuple(sorted(set(reader.problems))))


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not been read."""

    data: dict[str, Yaml] | list[Yaml]
    place: Place
    key: str | None = None
    key_line: int = 0
    # A repeated key keeps its first value; the value of the second is read and dropped.
    dropped: bool = False


class _Reader:
    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._open: list[_Open] = []
        self._data: Yaml = None
        self._root: Place | None = None
        self.problems: list[Problem] = []

    def read(self) -> tuple[Yaml, Place]:
        if self._is_readable():
            self._take_events()
        if self._root is None and not self.problems:
            self._refuse(1, "the file is empty; expected keys and values.")
        return self._data, self._root or Place(1, 1)

    def _refuse(self, line: int, sentence: str) -> None:
        self.problems.append(Problem(self._file, line, sentence))

    def _is_readable(self) -> bool:
        size = len(self._text.encode("utf-8", "surrogatepass"))
        if size > LARGEST:
            self._refuse(1, f"the file has {size} bytes; at most {LARGEST} are read.")
            return False
        self._text = self._text.removeprefix("\ufeff")
        readable = True
        for number, line in enumerate(self._text.splitlines(), start=1):
            found = _UNPRINTABLE.search(line)
            if found is not None and found.group() == "\t":
                self._refuse(number, "the line holds a tab; indent and separate with spaces.")
            elif found is not None:
                self._refuse(number, f"the line holds the unprintable character U+{ord(found.group()):04X}.")
            readable = readable and found is None
        return readable

    def _take_events(self) -> None:
        try:
            for event in yaml.parse(self._text, Loader=yaml.SafeLoader):
                if not self._take(event):
                    return
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            told = ", ".join(part for part in (error.context, error.problem) if part)
            self._refuse(_line(mark), f"this is not YAML: {told}.")
            self._drop_all()
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # The scanner turns the digits of an escape or a version into a number without looking at them first.
            self._refuse(1, f"this is not YAML: {error}.")
            self._drop_all()

    def _drop_all(self) -> None:
        self._data, self._root = None, None

    def _take(self, event: yaml.Event) -> bool:
        """Take one event; false when nothing after it can be read."""
        line = _line(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            return self._start_document(event, line)
        if isinstance(event, yaml.AliasEvent):
            self._refuse(line, f"'*{event.anchor}' repeats a value by reference; write the value out.")
            self._put(None, Place(line, line), line)
        elif isinstance(event, yaml.NodeEvent):
            self._refuse_marks(event, line)
        if isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event, line)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            return self._start(event, line)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._end(event)
        return True

    def _start_document(self, event: yaml.DocumentStartEvent, line: int) -> bool:
        if self._root is not None:
            self._refuse(line, "a second document starts here; a file holds one.")
            return False
        if event.version or event.tags:
            self._refuse(line, "directives (%YAML, %TAG) are not read; remove them.")
        return True

    def _refuse_marks(self, event: yaml.NodeEvent, line: int) -> None:
        if event.anchor is not None:
            self._refuse(
                line, f"'&{event.anchor}' names a value for reference; write the value out where it is needed."
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._refuse(line, f"the tag '{_shown_tag(tag)}' is not read; write the plain value.")

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, line: int) -> bool:
        if len(self._open) >= DEEPEST:
            self._refuse(line, f"values are nested deeper than {DEEPEST} levels.")
            self._drop_all()
            return False
        if self._waits_for_key():
            self._refuse(line, "a key must be plain text, not a list or a mapping.")
            self._drop_all()
            return False
        self._open.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], Place(line, line)))
        return True

    def _end(self, event: yaml.Event) -> None:
        closed = self._open.pop()
        inner = [place.last_line for place in closed.place.inside.values()]
        # The end of a block has no text of its own and is found after blank lines and comments.
        last = _line(event.end_mark) if event.end_mark != event.start_mark else 0
        closed.place.last_line = max(closed.place.line, last, *inner)
        self._put(closed.data, closed.place, closed.place.line)

    def _take_scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        hidden = _UNPRINTABLE.search(event.value)
        if hidden is not None:
            self._refuse(line, f"the text holds the unprintable character U+{ord(hidden.group()):04X}.")
        # A block of text ends at the beginning of the line after it.
        end = event.end_mark
        last_line = max(line, _line(end) - (1 if end is not None and end.column == 0 else 0))
        if self._waits_for_key():
            self._take_key(event.value, line)
        else:
            value = self._resolve(event.value, line) if event.style is None else event.value
            self._put(value, Place(line, last_line), line)

    def _waits_for_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].data, dict) and self._open[-1].key is None

    def _take_key(self, key: str, line: int) -> None:
        owner = self._open[-1]
        owner.key, owner.key_line = key, line
        first = owner.place.inside.get(key)
        owner.dropped = first is not None
        if first is not None:
            self._refuse(line, f"the key '{key}' is given twice; first on line {first.line}.")

    def _put(self, value: Yaml, place: Place, line: int) -> None:
        if not self._open:
            self._data, self._root = value, place
            return
        owner = self._open[-1]
        if isinstance(owner.data, list):
            owner.place.inside[len(owner.data)] = place
            owner.data.append(value)
            return
        if owner.key is None:
            # Only an alias gets here, in the place of a key; it has been refused already.
            owner.key, owner.key_line, owner.dropped = "", line, True
            return
        if not owner.dropped:
            place.line = owner.key_line
            owner.place.inside[owner.key] = place
            owner.data[owner.key] = value
        owner.key = None

    def _resolve(self, text: str, line: int) -> Yaml:
        if text in _NULL:
            return None
        if text in _TRUTH:
            return _TRUTH[text]
        if _NOT_A_NUMBER.fullmatch(text):
            self._refuse(line, f"'{text}' is not a finite number.")
            return None
        if _NUMBER.fullmatch(text):
            return self._number(text, line)
        return text

    def _number(self, text: str, line: int) -> int | float | None:
        digits = re.split("[eE]", text)[0].lstrip("+-0.").replace(".", "")
        if len(digits) > MOST_DIGITS:
            self._refuse(line, f"'{_short(text)}' has more than {MOST_DIGITS} digits, which cannot be kept exactly.")
            return None
        if _INTEGER.fullmatch(text):
            return int(text)
        number = float(text)
        if number in (float("inf"), float("-inf")) or (number == 0 and Decimal(digits or "0") != 0):
            self._refuse(line, f"'{_short(text)}' is not a number that can be kept.")
            return None
        return number


class _Mark(Protocol):
    @property
    def line(self) -> int: ...


def _line(mark: _Mark | None) -> int:
    return mark.line + 1 if mark else 1


def _shown_tag(tag: str) -> str:
    return _short(tag.replace("tag:yaml.org,2002:", "!!"))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def as_mapping(source: YamlSource) -> tuple[Mapping[str, Yaml], tuple[Problem, ...]]:
    """The keys of a file, and what was refused, a file that is not a mapping included."""
    if isinstance(source.data, dict):
        return source.data, source.problems
    if source.problems:
        return {}, source.problems
    return {}, (source.problem((), "expected keys and values ('name: value'), not a list or a single value."),)
