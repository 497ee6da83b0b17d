"""CSV files, plain or gzip. A row that cannot be read is told with its physical line and harms only itself."""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from keepwell.base.errors import UserError
from keepwell.connectors.import_map import CsvDialect
from keepwell.connectors.readers.reader import ROWS_A_BATCH, RawRows, split_unreadable
from keepwell.connectors.readers.text_file import TextFile
from keepwell.connectors.reasons import RowReject

DELIMITERS: Final = (",", ";", "\t", "|")
LONGEST_HEADER: Final = 1 << 20


class CsvFile:
    """A CSV file. The delimiter is the one that splits the header into the most columns that the map names."""

    format = "csv"

    def __init__(
        self, path: Path, *, dialect: CsvDialect, encoding: str | None, named: Sequence[str], headless: Sequence[str]
    ) -> None:
        """`named` are the columns that the map uses; `headless` the names of the columns when there is no header."""
        self.path = path
        self._dialect = dialect
        self._text = TextFile(path, encoding)
        self.size, self.encoding = self._text.size, self._text.encoding
        self.delimiter = dialect.delimiter or self._found_delimiter(named)
        self.columns: tuple[str, ...] = tuple(headless) if not dialect.header else self._header()
        said = f"The file is not UTF-8 and was read as {self.encoding}; `encoding: {self.encoding}` in the map says so."
        self.notes = (said,) if self._text.is_guessed else ()

    def rows(self, wanted: Sequence[str]) -> Iterator[RawRows]:
        picks = [self.columns.index(column) for column in wanted]
        with self._text.lines() as (position, text):
            scan = _Scan(self._reader_options(), text, len(self.columns))
            scan.skip(self._dialect.skip_lines)
            if self._dialect.header:
                scan.skip_row()
            while scan.fill(ROWS_A_BATCH, picks):
                batch, unreadable = split_unreadable(scan.starts, scan.ends, scan.picked, len(picks))
                rejects = sorted([*scan.rejects, *unreadable], key=lambda reject: reject.line)
                yield RawRows(batch, tuple(rejects), int(position))

    def originals(self, places: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        return self._text.originals(places)

    def _reader_options(self) -> "_Options":
        return _Options(self.delimiter, self._dialect.quote, self._dialect.escape)

    def _header(self, delimiter: str | None = None) -> tuple[str, ...]:
        options = _Options(delimiter or self.delimiter, self._dialect.quote, self._dialect.escape)
        with self._text.lines() as (_, text):
            scan = _Scan(options, text, 0)
            scan.skip(self._dialect.skip_lines)
            try:
                found = scan.skip_row()
            except csv.Error as error:
                raise UserError(f"{self.path}:1: the header cannot be read: {error}.") from None
        if not found:
            raise UserError(f"{self.path} has no header; nothing was imported.")
        return tuple(name.strip() for name in found)

    def _found_delimiter(self, named: Sequence[str]) -> str:
        if not self._dialect.header:
            return ","
        headers = {delimiter: self._header(delimiter) for delimiter in DELIMITERS}
        return max(DELIMITERS, key=lambda sign: (len(set(named) & set(headers[sign])), len(headers[sign])))


class _Options:
    def __init__(self, delimiter: str, quote: str, escape: str | None) -> None:
        self.delimiter, self.quote, self.escape = delimiter, quote, escape


class _Lines:
    """Lines of a text, with those of the row that is being read at hand to be given back."""

    def __init__(self, text: Iterator[str]) -> None:
        self._text = text
        self._returned: deque[str] = deque()
        self.current: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._text)
        self.current.append(line)
        return line

    def give_back_all_but_first(self) -> None:
        self._returned.extendleft(reversed(self.current[1:]))
        del self.current[1:]


class _Scan:
    """Reads rows, counting physical lines."""

    def __init__(self, options: _Options, text: Iterator[str], width: int) -> None:
        self._lines = _Lines(text)
        self._reader = csv.reader(
            self._lines, delimiter=options.delimiter, quotechar=options.quote, escapechar=options.escape,
            doublequote=True, strict=True,
        )  # fmt: skip
        self._line = 1
        self._width = width
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.picked: list[Sequence[str | None]] = []
        self.rejects: list[RowReject] = []

    def skip(self, lines: int) -> None:
        for _ in range(lines):
            next(self._lines, None)
        self._advance()

    def skip_row(self) -> list[str]:
        row = next(self._reader, [])
        self._advance()
        return row

    def fill(self, count: int, picks: Sequence[int]) -> bool:
        """Read the next rows into the lists; False when the file holds no more."""
        self.starts, self.ends, self.picked, self.rejects = [], [], [], []
        while len(self.picked) < count and len(self.rejects) < count:
            try:
                if not self._fill_until_error(count, picks):
                    break
            except csv.Error:
                self._reject_broken()
        return bool(self.picked or self.rejects)

    def _fill_until_error(self, count: int, picks: Sequence[int]) -> bool:
        current, width = self._lines.current, self._width
        for row in self._reader:
            line = self._line
            self._line = line + len(current)
            current.clear()
            if len(row) == width:
                self.starts.append(line)
                self.ends.append(self._line - 1)
                self.picked.append([row[pick] for pick in picks])
                if len(self.picked) >= count:
                    return True
            elif row:
                self.rejects.append(RowReject(line, self._line - 1, "column_count"))
        return False

    def _reject_broken(self) -> None:
        # A quote that is never closed swallows the lines after it; they are given back and read again.
        is_one_long_line = len(self._lines.current) == 1 and len(self._lines.current[0]) > csv.field_size_limit()
        self._lines.give_back_all_but_first()
        self.rejects.append(RowReject(self._line, self._line, "too_long" if is_one_long_line else "quotes"))
        self._advance()

    def _advance(self) -> None:
        self._line += len(self._lines.current)
        self._lines.current.clear()
