"""JSON Lines, plain or gzip: one object a line. A bad line harms only itself.

A column is a key of the object, or a path of keys with dots (`properties.plan`). Numbers keep the digits they were
written with; lists and objects become their JSON text.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from keepwell.connectors.readers.reader import ROWS_A_BATCH, RawRows, split_unreadable
from keepwell.connectors.readers.text_file import TextFile
from keepwell.connectors.reasons import RowReject

LONGEST_LINE: Final = 1 << 20
_NESTED: Final = (dict, list)


class JsonlFile:
    """A JSON Lines file."""

    format = "jsonl"
    columns = None

    def __init__(self, path: Path, *, encoding: str | None) -> None:
        self.path = path
        self._text = TextFile(path, encoding or "utf-8")
        self.size, self.encoding = self._text.size, self._text.encoding
        self.notes = ()

    def rows(self, wanted: Sequence[str]) -> Iterator[RawRows]:
        paths = [(column, tuple(column.split("."))) for column in wanted]
        lines: list[int] = []
        picked: list[Sequence[str | None]] = []
        rejects: list[RowReject] = []
        with self._text.lines() as (position, text):
            for number, line in enumerate(text, 1):
                if not line.strip():
                    continue
                found = _object(line)
                if isinstance(found, str):
                    rejects.append(RowReject(number, number, found))
                else:
                    lines.append(number)
                    picked.append([_cell(found, column, path, line) for column, path in paths])
                if len(lines) >= ROWS_A_BATCH or len(rejects) >= ROWS_A_BATCH:
                    yield _batch(lines, picked, rejects, len(wanted), int(position))
                    lines, picked, rejects = [], [], []
            if lines or rejects:
                yield _batch(lines, picked, rejects, len(wanted), int(position))

    def originals(self, places: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        return self._text.originals(places)


def _batch(
    lines: list[int], picked: list[Sequence[str | None]], rejects: list[RowReject], width: int, position: int
) -> RawRows:
    table, unreadable = split_unreadable(lines, lines, picked, width)
    return RawRows(table, tuple(sorted([*rejects, *unreadable], key=lambda reject: reject.line)), position)


def _object(line: str) -> dict[str, object] | str:
    """The object of a line, or the code of the reason why there is none."""
    if len(line) > LONGEST_LINE:
        return "too_long"
    try:
        found = _DECODER.decode(line)
    except (ValueError, RecursionError):
        return "json_invalid"
    return found if isinstance(found, dict) else "json_invalid"


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON.")


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice.")
    return found


def _cell(row: dict[str, object], column: str, path: tuple[str, ...], line: str) -> str | None:
    value = row.get(column)
    if value is None and len(path) > 1 and column not in row:
        value = _at(row, path)
    if isinstance(value, str):
        return value
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    # Read again with real numbers, so that the text of a list of numbers is a list of numbers.
    again = json.loads(line)
    return json.dumps(again[column] if column in again else _at(again, path), sort_keys=True, ensure_ascii=False)


def _at(row: dict[str, object], path: tuple[str, ...]) -> object:
    value: object = row
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


_DECODER: Final = json.JSONDecoder(
    parse_float=str, parse_int=str, parse_constant=_refuse, object_pairs_hook=_without_repetition
)
