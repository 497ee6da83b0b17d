"""The log at one version, and the newest version there is."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from keepwell.lake.log_file import LogFile

PropertyColumn = Literal["number", "text"]
# The writer whose seal number is that of the mapping in force.
MAPPING: Final = "mapping"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The log at one version: its live files, and the event properties that are columns of every one of them."""

    files: Sequence[LogFile]
    properties: Mapping[str, PropertyColumn]
    table: DeltaTable | None = None

    @property
    def paths(self) -> list[str]:
        return [file.path for file in self.files]

    @property
    def mapping(self) -> int:
        """Number of the mapping by which all rows were derived, 0 before the first."""
        return self.sealed(MAPPING)

    def sealed(self, writer: str) -> int:
        """Number of the last seal of a writer, 0 before the first."""
        return (self.table.transaction_version(writer) or 0) if self.table is not None else 0


class _Kept:
    """The newest snapshot of one log that this process has seen, and which of the log's entries it is of."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._entry: tuple[int, int, int] | None = None

    def newest(self) -> Snapshot:
        with self._lock:
            if self._snapshot is None or not self._is_newest():
                self._snapshot = self._opened()
            return self._snapshot

    def _is_newest(self) -> bool:
        """Entries are numbered without a gap, and the oldest go first: ours is there as it was, and no next one."""
        if self._entry is None:
            return False
        version, *_ = self._entry
        return self._stamp(version) == self._entry and not self._path(version + 1).exists()

    def _opened(self) -> Snapshot:
        try:
            table = DeltaTable(str(self._folder))
        except TableNotFoundError:
            self._entry = None
            return Snapshot((), {})
        self._entry = self._stamp(table.version())
        return Snapshot(files_of(table, self._folder), properties_of(table), table)

    def _stamp(self, version: int) -> tuple[int, int, int] | None:
        try:
            found = self._path(version).stat()
        except FileNotFoundError:
            return None
        return version, found.st_ino, found.st_mtime_ns

    def _path(self, version: int) -> Path:
        return self._folder / "_delta_log" / f"{version:020}.json"


def newest_snapshot(folder: Path) -> Snapshot:
    """The log as it is now. A look for a newer entry takes microseconds, to open the log some milliseconds."""
    return _kept(folder.absolute()).newest()


@lru_cache(maxsize=8)
def _kept(folder: Path) -> _Kept:
    return _Kept(folder)


def files_of(table: DeltaTable, folder: Path) -> list[LogFile]:
    actions = pa.table(table.get_add_actions(flatten=True)).to_pydict()
    columns = ("path", "num_records", "partition.part", "min.account", "max.account")
    return [
        LogFile(str(folder / unquote(path)), rows, part, low, high)
        for path, rows, part, low, high in zip(*(actions[column] for column in columns), strict=True)
        if rows
    ]


def properties_of(table: DeltaTable) -> dict[str, PropertyColumn]:
    return {
        field.name.removeprefix("p_"): "text" if pa.types.is_string(field.type) else "number"
        for field in pa.schema(table.schema().to_arrow())
        if field.name.startswith("p_")
    }
