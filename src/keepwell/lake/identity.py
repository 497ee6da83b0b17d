"""Which rows of a batch the log holds already.

An event is its source and message id, for ever. The digest kept in `tie` finds the few candidates
cheaply; the texts themselves decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from keepwell.lake import duck
from keepwell.lake.log_file import LogFile
from keepwell.lake.meaning import SENT_NAME, SENT_PROPS

# What makes two deliveries of one identity the same event; when it became known is not part of it.
AT: Final = '"at"'
# It is compared as it was sent: what it means changes with the mapping.
CONTENT: Final = ('"account"', '"contact"', '"sent"', AT, '"told"')
CONFLICTS_SHOWN: Final = 20
_CONTENT: Final = f'"account", "contact", {SENT_NAME} AS "sent", {AT}, {SENT_PROPS} AS "told"'


class Verdict(IntEnum):
    """What the log makes of a row."""

    NEW = 0
    DUPLICATE = 1
    CONFLICT = 2


@dataclass(frozen=True, slots=True)
class Sifted:
    """A batch apart: the rows to append, and a `Verdict` for each row in the order of the batch."""

    new: pa.Table
    verdicts: NDArray[np.int8]
    conflicting_ids: list[str]

    def count(self, verdict: Verdict) -> int:
        return int(np.count_nonzero(self.verdicts == verdict))


def sift(
    database: duckdb.DuckDBPyConnection,
    rows: pa.Table,
    files: Sequence[LogFile],
    *,
    drift: timedelta = timedelta(),
) -> Sifted:
    """Split rows of the log's shape by identity; within the batch the first one wins.

    A row that repeats a known one repeats its time too, to within `drift`: a clock that is corrected anew with
    every delivery never comes out quite the same.
    """
    database.register("batch", rows.append_column("ordinal", pa.array(np.arange(len(rows)))))
    known = _known(files)
    database.execute(
        "CREATE OR REPLACE TEMP TABLE first AS SELECT *, row_number() OVER "
        "(PARTITION BY source, message_id ORDER BY is_held DESC, ordinal) AS place FROM ("
        f"SELECT ordinal, source, message_id, {_CONTENT}, FALSE AS is_held FROM batch "
        f"UNION ALL SELECT -1, source, message_id, {', '.join(CONTENT)}, TRUE FROM ({known}))"
    )
    differs = " OR ".join(
        [
            *(f"later.{column} IS DISTINCT FROM winner.{column}" for column in CONTENT if column != AT),
            f"abs(epoch_us(later.{AT}) - epoch_us(winner.{AT})) > {drift // timedelta(microseconds=1)}",
        ]
    )
    repeated = database.sql(
        f"SELECT later.ordinal, later.message_id, ({differs}) AS differs "
        "FROM first later JOIN first winner USING (source, message_id) "
        "WHERE winner.place = 1 AND later.place > 1 AND NOT later.is_held ORDER BY later.ordinal"
    ).to_arrow_table()
    verdicts = np.full(len(rows), Verdict.NEW, np.int8)
    is_other = repeated["differs"].to_numpy()
    verdicts[repeated["ordinal"].to_numpy()] = np.where(is_other, Verdict.CONFLICT, Verdict.DUPLICATE)
    shown = repeated.filter(repeated["differs"])["message_id"].slice(0, CONFLICTS_SHOWN).to_pylist()
    return Sifted(rows.filter(pa.array(verdicts == Verdict.NEW)), verdicts, shown)


def _known(files: Sequence[LogFile]) -> str:
    columns = f"source, message_id, {_CONTENT}"
    if not files:
        return f"SELECT {columns} FROM batch WHERE FALSE"
    scan = duck.files([file.path for file in files])
    return (
        f"SELECT {columns} FROM {scan} WHERE tie IN (SELECT tie FROM batch) "
        "AND (source, message_id) IN (SELECT (source, message_id) FROM batch)"
    )
