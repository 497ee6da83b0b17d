"""Which rows of a batch the log holds already.

An event is its source and message id, for ever. The digest kept in `tie` finds the few candidates
cheaply; the texts themselves decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from keepwell.lake import duck
from keepwell.lake.log_file import LogFile

# What makes two deliveries of one identity the same event; when it became known is not part of it.
CONTENT: Final = ('"account"', '"contact"', '"name"', '"at"', '"props"')
CONFLICTS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Sifted:
    """A batch apart: rows to append, how many repeat a known event, how many tell other content under its id."""

    new: pa.Table
    duplicate: int
    conflict: int
    conflicting_ids: list[str]


def sift(database: duckdb.DuckDBPyConnection, rows: pa.Table, files: Sequence[LogFile]) -> Sifted:
    """Split rows of the log's shape by identity; within the batch the first one wins."""
    database.register("batch", rows.append_column("ordinal", pa.array(np.arange(len(rows)))))
    known = _known(files)
    database.execute(
        "CREATE OR REPLACE TEMP TABLE first AS SELECT *, row_number() OVER "
        "(PARTITION BY source, message_id ORDER BY is_held DESC, ordinal) AS place FROM ("
        f"SELECT ordinal, source, message_id, {', '.join(CONTENT)}, FALSE AS is_held FROM batch "
        f"UNION ALL SELECT -1, source, message_id, {', '.join(CONTENT)}, TRUE FROM ({known}))"
    )
    differs = " OR ".join(f"later.{column} IS DISTINCT FROM winner.{column}" for column in CONTENT)
    repeated = (
        "FROM first later JOIN first winner USING (source, message_id) "
        "WHERE winner.place = 1 AND later.place > 1 AND NOT later.is_held"
    )
    counted = database.execute(f"SELECT count(*), count(*) FILTER ({differs}) {repeated}").fetchone() or (0, 0)
    shown = database.execute(
        f"SELECT later.message_id {repeated} AND ({differs}) ORDER BY later.ordinal LIMIT {CONFLICTS_SHOWN}"
    ).fetchall()
    new = database.sql(
        "SELECT batch.* EXCLUDE (ordinal) FROM batch JOIN first ON first.ordinal = batch.ordinal "
        "WHERE first.place = 1 AND NOT first.is_held ORDER BY batch.ordinal"
    ).to_arrow_table()
    return Sifted(new.cast(rows.schema), counted[0] - counted[1], counted[1], [str(row[0]) for row in shown])


def _known(files: Sequence[LogFile]) -> str:
    columns = ", ".join(("source", "message_id", *CONTENT))
    if not files:
        return f"SELECT {columns} FROM batch WHERE FALSE"
    scan = duck.files([file.path for file in files])
    return (
        f"SELECT {columns} FROM {scan} WHERE tie IN (SELECT tie FROM batch) "
        "AND (source, message_id) IN (SELECT (source, message_id) FROM batch)"
    )
