"""One file of the log, and how seals and runs are written."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# The part of files as they were sealed; every other part is a run, sorted by account across its files.
FRESH: Final = 0
# Small row groups let a reader of a hundred accounts skip nearly all of a file.
ROWS_A_GROUP: Final = 8_192
# Columns whose ranges let a reader skip groups; those of the others only make the footers longer.
MEASURED: Final = ["account", "name", "at", "known_at"]
SETTLED_GROUPS_A_FILE: Final = 64
ORDER: Final = [(column, "ascending") for column in ("account", "at", "tie", "source", "message_id")]


@dataclass(frozen=True, slots=True)
class LogFile:
    """One live file and the range of accounts in it."""

    path: str
    rows: int
    part: int
    first_account: int
    last_account: int


def seal(rows: pa.Table, schema: pa.Schema, folder: Path) -> LogFile:
    """Write rows sorted by account and time, so that a reader of a few accounts, or of a range, skips the others."""
    folder.mkdir(parents=True, exist_ok=True)
    return _write(rows.select(schema.names).cast(schema).sort_by(ORDER), FRESH, folder)


def settle(batches: pa.RecordBatchReader, schema: pa.Schema, folder: Path, run: int) -> Iterator[LogFile]:
    """Write rows that come in `ORDER` into files of about half a million rows each."""
    folder.mkdir(parents=True, exist_ok=True)
    pending: list[pa.RecordBatch] = []
    for batch in batches:
        pending.append(batch)
        if len(pending) == SETTLED_GROUPS_A_FILE:
            yield _write(pa.Table.from_batches(pending).cast(schema), run, folder)
            pending = []
    if pending:
        yield _write(pa.Table.from_batches(pending).cast(schema), run, folder)


def sync_path(path: Path) -> None:
    """Wait until a file's bytes, or the names in a folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(table: pa.Table, part: int, folder: Path) -> LogFile:
    path = folder.absolute() / f"{uuid4()}.parquet"
    pq.write_table(
        table,
        path,
        row_group_size=ROWS_A_GROUP,
        compression="lz4",
        use_dictionary=[field.name for field in table.schema if _repeats(field)],
        write_statistics=MEASURED,
    )
    low, high = (value.as_py() for value in pc.min_max(table["account"]).values())
    return LogFile(str(path), len(table), part, low, high)


def _repeats(field: pa.Field) -> bool:
    """Whether a column holds few different values; a dictionary of nearly as many as there are rows slows readers."""
    is_text = pa.types.is_string(field.type) and field.name not in ("message_id", "props", "sent_props")
    return is_text or field.name in ("account", "name", "sent_name")
