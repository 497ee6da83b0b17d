"""What a reader of files gives: rows as text columns c0, c1, … with their line, and the rows it could not read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa

from keepwell.connectors.reasons import RowReject

ROWS_A_BATCH: Final = 50_000


@dataclass(frozen=True, slots=True)
class RawRows:
    """`table` has `line`, `last_line` (int64) and c0, c1, … (string), one for each wanted column, in that order.

    `position` is how far the file has been read, in the unit of the reader's `size`.
    """

    table: pa.RecordBatch
    rejects: tuple[RowReject, ...]
    position: int


class FileReader(Protocol):
    """One file, read as often as it is asked for. Nothing is kept open between calls."""

    path: Path
    size: int

    @property
    def format(self) -> str: ...

    @property
    def encoding(self) -> str | None: ...

    @property
    def columns(self) -> tuple[str, ...] | None:
        """None when rows name their own columns (JSONL)."""

    @property
    def notes(self) -> tuple[str, ...]: ...

    def rows(self, wanted: Sequence[str]) -> Iterator[RawRows]: ...

    def originals(self, places: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        """The bytes of the rows at these (line, last_line), which ascend."""


def raw_rows(
    lines: Sequence[int], last_lines: Sequence[int], columns: Sequence[Sequence[str | None]]
) -> pa.RecordBatch:
    """A batch from Python texts; raises UnicodeEncodeError when a text holds what was not UTF-8."""
    arrays = [pa.array(lines, pa.int64()), pa.array(last_lines, pa.int64())]
    arrays += [pa.array(column, pa.string()) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, names=["line", "last_line", *(f"c{i}" for i in range(len(columns)))])


def split_unreadable(
    lines: list[int], last_lines: list[int], rows: list[Sequence[str | None]], width: int
) -> tuple[pa.RecordBatch, list[RowReject]]:
    """The same, with the rows that are not UTF-8 taken out and told."""
    try:
        return raw_rows(lines, last_lines, _columns(rows, width)), []
    except UnicodeEncodeError:
        pass
    kept = [index for index, row in enumerate(rows) if _is_text(row)]
    gone = sorted(set(range(len(rows))) - set(kept))
    batch = raw_rows([lines[i] for i in kept], [last_lines[i] for i in kept], _columns([rows[i] for i in kept], width))
    return batch, [RowReject(lines[i], last_lines[i], "not_utf8") for i in gone]


def _columns(rows: list[Sequence[str | None]], width: int) -> list[Sequence[str | None]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _is_text(row: Sequence[str | None]) -> bool:
    try:
        for cell in row:
            if cell is not None:
                cell.encode()
    except UnicodeEncodeError:
        return False
    return True
