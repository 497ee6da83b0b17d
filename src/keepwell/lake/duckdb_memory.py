"""Many moments from one reading: the rows of a question in the memory of a DuckDB session.

Rows are kept in order of event name and time. A moment then reads, for each set of aggregates, only the stretch of its
names that is young enough, without a look at the rest. For a few moments of named accounts neither the order nor the
planning of that query is worth its time: their rows are kept as they come and grouped at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from keepwell.facts.moment import Moment
from keepwell.lake import duck
from keepwell.lake.meaning import IGNORED
from keepwell.metrics.apart import ACCOUNTS
from keepwell.metrics.events import MICROSECONDS_A_DAY, RELATION

ROWS: Final = "kept_rows"
FIRSTS: Final = "kept_accounts"
MOMENTS: Final = "kept_moments"
# Planning a query costs as much as answering it for a few thousand accounts, so moments then share one.
ANSWERS_A_QUERY: Final = 100_000
FEW_MOMENTS: Final = 2
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def keep(database: duckdb.DuckDBPyConnection, source: str, columns: Sequence[str], names: Iterable[int]) -> int:
    """Read the rows of these names, and when each account was first known; how many accounts there are."""
    database.execute(f"{_kept(source, columns, names)} ORDER BY name, happened")
    database.execute(f"CREATE TEMP TABLE {FIRSTS} AS {_firsts(source)}")
    return int((database.execute(f"SELECT count(*) FROM {FIRSTS}").fetchone() or (0,))[0])


def keep_few(
    database: duckdb.DuckDBPyConnection,
    paths: Sequence[str],
    accounts: Sequence[int],
    columns: Sequence[str],
    names: Iterable[int],
    moments: Sequence[Moment],
) -> None:
    """Read the rows of these names and accounts, to be grouped at once as of these moments."""
    files = duck.files(paths)
    database.execute(_kept(files + only(accounts), columns, names))
    first = min(map(_micros, moments))
    # An account of which only other names are known then has a row all the same, whose name nothing asks for.
    lacking = database.execute(
        f"SELECT account FROM (SELECT unnest([{', '.join(map(str, accounts))}]) AS account) a WHERE NOT EXISTS "
        f"(SELECT 1 FROM {ROWS} r WHERE r.account = a.account AND r.happened < {first} AND r.known < {first})"
    ).fetchall()
    if lacking:
        database.execute(
            f"INSERT INTO {ROWS} BY NAME SELECT account, {IGNORED}::INTEGER AS name, first_known AS happened, "
            f"first_known AS known FROM ({_firsts(files + only([account for (account,) in lacking]))})"
        )


def only(accounts: Sequence[int] | None) -> str:
    """The end of a scan that keeps these accounts."""
    if accounts is None:
        return ""
    listed = ", ".join(str(int(account)) for account in accounts)
    # A join with many accounts skips their neighbours while it reads; a long list would be tried on every row.
    return f" WHERE account IN ({listed})" if len(accounts) == 1 else f" WHERE account IN (SELECT unnest([{listed}]))"


def _kept(source: str, columns: Sequence[str], names: Iterable[int]) -> str:
    listed = ", ".join(str(code) for code in sorted(names)) or "NULL"
    clocks = {'"at"': 'epoch_us("at") AS happened', '"known_at"': "epoch_us(known_at) AS known"}
    kept = ", ".join(clocks.get(column, column) for column in columns)
    return (
        f"CREATE TEMP TABLE {ROWS} AS SELECT {kept} FROM {source} "
        f"{'AND' if ' WHERE ' in source else 'WHERE'} name IN ({listed})"
    )


def _firsts(source: str) -> str:
    return f'SELECT account, min(epoch_us(greatest("at", known_at))) AS first_known FROM {source} GROUP BY account'


def batches(moments: Sequence[Moment], accounts: int) -> Iterator[Sequence[Moment]]:
    """The moments that share a query."""
    size = max(1, ANSWERS_A_QUERY // max(1, accounts))
    for start in range(0, len(moments), size):
        yield moments[start : start + size]


def look(database: duckdb.DuckDBPyConnection, moments: Sequence[Moment], *, apart: bool) -> None:
    """Show the kept rows as of these moments as the relations that a query reads; `apart` as in `compile_metrics`."""
    if len(moments) == 1:
        # Constants, so that the stretch to read is known before reading.
        as_of, micros, source = duck.instant(moments[0].as_of), str(_micros(moments[0])), ""
    else:
        as_of, micros, source = "as_of", "micros", f", {MOMENTS}"
        told = ", ".join(f"({duck.instant(moment.as_of)}, {_micros(moment)})" for moment in moments)
        database.execute(f"CREATE OR REPLACE TEMP TABLE {MOMENTS} AS FROM (VALUES {told}) m (as_of, micros)")
    database.execute(
        f"CREATE OR REPLACE TEMP VIEW {RELATION} AS SELECT {as_of} AS as_of, {ROWS}.* EXCLUDE (happened, known), "
        f"{micros} - happened AS age, CAST(({micros} - happened) // {MICROSECONDS_A_DAY} AS INTEGER) AS days_ago "
        f"FROM {ROWS}{source} WHERE happened < {micros} AND known < {micros}"
    )
    if apart:
        database.execute(
            f"CREATE OR REPLACE TEMP VIEW {ACCOUNTS} AS SELECT {as_of} AS as_of, account "
            f"FROM {FIRSTS}{source} WHERE first_known < {micros}"
        )


def split(rows: pa.Table, moments: Sequence[Moment]) -> Iterator[tuple[Moment, pa.Table]]:
    """The answers of one query by moment."""
    for moment in moments:
        here = pc.equal(rows["as_of"], pa.scalar(moment.as_of, rows["as_of"].type))
        yield moment, rows if len(moments) == 1 else rows.filter(here)


def _micros(moment: Moment) -> int:
    return (moment.as_of - EPOCH) // timedelta(microseconds=1)
