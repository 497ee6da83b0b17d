"""One file of the log, and how settled files are written."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FRESH: Final = 0
SETTLED: Final = 1
# Small row groups let a reader of a hundred accounts skip nearly all of a settled file.
SETTLED_ROWS_A_GROUP: Final = 16_384
SETTLED_GROUPS_A_FILE: Final = 32


@dataclass(frozen=True, slots=True)
class LogFile:
    """One live file and the range of accounts in it."""

    path: str
    rows: int
    part: int
    first_account: int
    last_account: int


def settle(batches: pa.RecordBatchReader, schema: pa.Schema, folder: Path) -> Iterator[LogFile]:
    """Write rows that come sorted by account into files of about half a million rows each."""
    folder.mkdir(parents=True, exist_ok=True)
    pending: list[pa.RecordBatch] = []
    for batch in batches:
        pending.append(batch)
        if len(pending) == SETTLED_GROUPS_A_FILE:
            yield _write(pending, schema, folder)
            pending = []
    if pending:
        yield _write(pending, schema, folder)


def _write(batches: list[pa.RecordBatch], schema: pa.Schema, folder: Path) -> LogFile:
    table = pa.Table.from_batches(batches).cast(schema)
    path = folder.absolute() / f"settled-{uuid4()}.parquet"
    pq.write_table(table, path, row_group_size=SETTLED_ROWS_A_GROUP, compression="zstd", compression_level=3)
    low, high = (value.as_py() for value in pc.min_max(table["account"]).values())
    return LogFile(str(path), len(table), SETTLED, low, high)
