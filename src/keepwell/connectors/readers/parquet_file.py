"""Parquet files. Every type becomes the text that a careful CSV would hold; a line is the number of the row.

A whole number kept as a float (which is what tables with gaps in a number column hold) has no `.0`. Times are
ISO 8601, with `Z` when the column has a zone.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from keepwell.base.errors import UserError
from keepwell.connectors.readers.reader import ROWS_A_BATCH, RawRows
from keepwell.connectors.sql_text import fill


class ParquetFile:
    """A Parquet file."""

    format = "parquet"
    encoding = None

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.stat().st_size:
            raise UserError(f"{path} is empty (0 bytes); nothing was imported.")
        try:
            with pq.ParquetFile(path) as file:
                schema, self.size = file.schema_arrow, file.metadata.num_rows
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{path} is not a readable Parquet file: {error}") from None
        self.columns: tuple[str, ...] = tuple(schema.names)
        self.notes = ()

    def rows(self, wanted: Sequence[str]) -> Iterator[RawRows]:
        first = 1
        with duckdb.connect(config={"threads": 1}) as database, pq.ParquetFile(self.path) as file:
            database.execute("SET TimeZone = 'UTC'")
            for batch in file.iter_batches(batch_size=ROWS_A_BATCH, columns=list(wanted)):
                after = first + len(batch)
                yield RawRows(_texts(database, batch, wanted, first), (), after - 1)
                first = after

    def originals(self, places: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        wanted = iter(places)
        place = next(wanted, None)
        first = 1
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(batch_size=ROWS_A_BATCH):
                while place is not None and place[0] < first + len(batch):
                    (row,) = batch.slice(place[0] - first, 1).to_pylist()
                    yield json.dumps(row, default=str, ensure_ascii=False).encode("utf-8", "replace")
                    place = next(wanted, None)
                first += len(batch)


def _texts(
    database: duckdb.DuckDBPyConnection, batch: pa.RecordBatch, wanted: Sequence[str], first: int
) -> pa.RecordBatch:
    # By place and not by name: DuckDB takes `ID` and `id` for the same name.
    columns = [batch.column(batch.schema.get_field_index(column)) for column in wanted]
    columns = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in columns]
    lines = pa.array(range(first, first + len(batch)), pa.int64())
    names = [f"c{i}" for i in range(len(wanted))]
    source = pa.table([lines, lines, *columns], names=["line", "last_line", *names])
    texts = [f"{_text(name, column.type)} AS {name}" for name, column in zip(names, columns, strict=True)]
    database.register("source_rows", source)
    # Arrow's own casts write floats and times in other ways than a careful CSV does.
    query = fill("SELECT line, last_line$texts FROM source_rows ORDER BY line", texts="".join(f", {t}" for t in texts))
    (found,) = database.sql(query).to_arrow_table().combine_chunks().to_batches() or [_nothing(names)]
    return found


def _nothing(names: Sequence[str]) -> pa.RecordBatch:
    fields = [
        pa.field("line", pa.int64()),
        pa.field("last_line", pa.int64()),
        *(pa.field(n, pa.string()) for n in names),
    ]
    return pa.RecordBatch.from_pylist([], schema=pa.schema(fields))


def _text(name: str, kind: pa.DataType) -> str:
    if pa.types.is_floating(kind):
        return fill(
            "CASE WHEN isfinite($x) AND $x = trunc($x) AND abs($x) < 9007199254740992 "
            "THEN $x::BIGINT::VARCHAR ELSE $x::DOUBLE::VARCHAR END",
            x=name,
        )
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return f"replace({name}::VARCHAR, '+00', 'Z')"
    return f"{name}::VARCHAR"
