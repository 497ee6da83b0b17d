"""YAML with the line of every value, and nothing in it but mappings, lists and plain values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from keepwell.base.errors import PackageError, Problem
from keepwell.connectors.condition import Place

LARGEST: Final = 1 << 20
PLAIN: Final = ("str", "int", "float", "bool", "null", "map", "seq")


@dataclass(frozen=True, slots=True)
class MapSource:
    """The content of a YAML file and where its parts stand."""

    file: str
    data: object
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """The line of the value at a place, or of the nearest thing around it."""
        known = self._without_shorthand(place)
        while known not in self.lines and known:
            known = known[:-1]
        return self.lines.get(known, 1)

    def _without_shorthand(self, place: Place) -> Place:
        # `when: {…}` stands for a list of one, and `account: id` for `account: {column: id}`.
        found: Place = ()
        for step in place:
            if (*found, step) in self.lines:
                found = (*found, step)
            elif not isinstance(step, int):
                break
        return found


def read_source(path: Path) -> MapSource:
    """Raises PackageError with every repeated key, tag, alias and number that is not finite."""
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        if len(text) > LARGEST:
            raise PackageError([Problem(file, 1, "the file is larger than 1 MB; a map is a few KB.")])
        tokens = list(yaml.scan(text, Loader=yaml.SafeLoader))
        problems = [
            Problem(file, token.start_mark.line + 1, "anchors, aliases and tags are not allowed; write the value out.")
            for token in tokens
            if isinstance(token, (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken))
        ]
        if problems:
            raise PackageError(problems)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise PackageError([Problem(file, 1, "the file is not UTF-8 text; save it as UTF-8.")]) from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        sentence = f"this is not YAML: {getattr(error, 'problem', None) or 'it is nested too deep'}."
        raise PackageError([Problem(file, mark.line + 1 if mark else 1, sentence)]) from None
    walk = _Walk(file)
    data = walk.value(node, ()) if node is not None else None
    if walk.problems:
        raise PackageError(walk.problems)
    return MapSource(file, data, walk.lines)


class _Walk:
    def __init__(self, file: str) -> None:
        self._file = file
        self.lines: dict[Place, int] = {}
        self.problems: list[Problem] = []
        self._plain = yaml.constructor.SafeConstructor()

    def value(self, node: yaml.Node, place: Place) -> object:
        self.lines[place] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[object, object]:
        found: dict[object, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(self._file, line, "a key must be a plain word."))
                continue
            key = self._scalar(key_node)
            if key in found:
                self.problems.append(Problem(self._file, line, f"the key {key_node.value!r} is given twice."))
            name = key if isinstance(key, (str, int)) else str(key)
            found[key] = self.value(value_node, (*place, name))
            self.lines[(*place, name)] = line
        return found

    def _scalar(self, node: yaml.Node) -> object:
        line = node.start_mark.line + 1
        if node.tag.removeprefix("tag:yaml.org,2002:") not in PLAIN:
            # A date without quotes reads as the text it is.
            return str(node.value)
        try:
            value: object = self._plain.construct_object(node)
        except ValueError:
            value = None
            self.problems.append(Problem(self._file, line, f"{node.value!r} cannot be read as a number."))
        if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
            self.problems.append(Problem(self._file, line, f"{node.value} is not a number that can be used."))
        return value
