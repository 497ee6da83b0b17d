"""The embedded engine: DuckDB in this process, over the files of the log."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import duckdb
import pyarrow as pa

from keepwell.facts.moment import Moment
from keepwell.facts.values import Values
from keepwell.lake import duck
from keepwell.lake.engine import Queries, Question, nobody, to_values
from keepwell.lake.log import EventLog, Snapshot, property_from_json
from keepwell.metrics.apart import ACCOUNTS
from keepwell.metrics.compile import properties_of
from keepwell.metrics.events import MICROSECONDS_A_DAY, RELATION

KEPT: Final = "kept_rows"
KEPT_ACCOUNTS: Final = "kept_accounts"


class DuckEngine:
    """Compiles a question once and keeps the text; calls may come from several threads at once."""

    def __init__(self) -> None:
        self._database = duckdb.connect()
        self._queries = Queries("duckdb")

    def values(self, log: EventLog, question: Question) -> list[Values]:
        """See `Engine.values`. Several moments read the files once and are answered from memory."""
        snapshot = log.snapshot(question.accounts)
        if not snapshot.files or not question.metrics:
            return [nobody(question, moment) for moment in question.moments]
        with duck.session(self._database) as database:
            many = [moment for moment in question.moments if moment.happened_before == moment.known_before]
            if len(many) > 1:
                _keep(database, snapshot, question)
            return [
                self._from_memory(database, question, moment)
                if len(many) > 1 and moment in many
                else self._from_files(database, snapshot, question, moment)
                for moment in question.moments
            ]

    def _from_files(
        self, database: duckdb.DuckDBPyConnection, snapshot: Snapshot, question: Question, moment: Moment
    ) -> Values:
        source = duck.files(snapshot.paths) + _only(question.accounts)
        return self._answer(database, question, moment, as_of_view(source, _columns(snapshot, question), moment))

    def _from_memory(self, database: duckdb.DuckDBPyConnection, question: Question, moment: Moment) -> Values:
        columns = [column.rpartition(" AS ")[2] for column in _columns(Snapshot((), {}), question)]
        database.execute(f"CREATE OR REPLACE TEMP VIEW {ACCOUNTS} AS {_accounts_view(moment)}")
        return self._answer(database, question, moment, as_of_view(KEPT, columns, moment), apart=True)

    def _answer(
        self,
        database: duckdb.DuckDBPyConnection,
        question: Question,
        moment: Moment,
        view: str,
        *,
        apart: bool = False,
    ) -> Values:
        database.execute(f"CREATE OR REPLACE TEMP VIEW {RELATION} AS {view}")
        query = self._queries.text(question, question.codes(moment), apart=apart)
        rows: pa.Table = database.sql(query).to_arrow_table()
        return to_values(rows, question, moment)


def _keep(database: duckdb.DuckDBPyConnection, snapshot: Snapshot, question: Question) -> None:
    """Put into memory the rows that the metrics read, names together, and when each account was first known."""
    source = duck.files(snapshot.paths) + _only(question.accounts)
    codes = {code for moment in question.moments for code in question.codes(moment).values()}
    read = f"name IN ({', '.join(str(code) for code in sorted(codes)) or 'NULL'})"
    columns = ", ".join(_columns(snapshot, question))
    database.execute(
        f"CREATE TEMP TABLE {KEPT} AS SELECT {columns} FROM {source} "
        f"{'AND' if ' WHERE ' in source else 'WHERE'} {read} ORDER BY name"
    )
    database.execute(
        f'CREATE TEMP TABLE {KEPT_ACCOUNTS} AS SELECT account, min(greatest("at", known_at)) AS first_seen_at '
        f"FROM {source} GROUP BY account"
    )


def _accounts_view(moment: Moment) -> str:
    return (
        f"SELECT {duck.instant(moment.as_of)} AS as_of, account FROM {KEPT_ACCOUNTS} "
        f"WHERE first_seen_at < {duck.instant(moment.known_before)}"
    )


def as_of_view(source: str, columns: Sequence[str], moment: Moment) -> str:
    """The rows that had happened and were known, with their age instead of their time."""
    age = f'(epoch_us({duck.instant(moment.as_of)}) - epoch_us("at"))'
    rest = [column for column in columns if column not in ('"at"', '"known_at"')]
    return (
        f"SELECT {duck.instant(moment.as_of)} AS as_of, {', '.join(rest)}, {age} AS age, "
        f"CAST({age} // {MICROSECONDS_A_DAY} AS INTEGER) AS days_ago FROM {source} "
        f'{"AND" if " WHERE " in source else "WHERE"} "at" < {duck.instant(moment.happened_before)} '
        f'AND "known_at" < {duck.instant(moment.known_before)}'
    )


def _columns(snapshot: Snapshot, question: Question) -> list[str]:
    columns = [duck.name(column) for column in ("account", "contact", "name", "at", "known_at", "tie")]
    for item, kind in sorted(properties_of(question.metrics).items()):
        column = duck.name(f"p_{item}")
        columns.append(column if item in snapshot.properties else f"{property_from_json(item, kind)} AS {column}")
    return columns


def _only(accounts: Sequence[int] | None) -> str:
    if accounts is None:
        return ""
    return f" WHERE account IN ({', '.join(str(int(account)) for account in accounts)})"


@cache
def embedded_engine() -> DuckEngine:
    """The one engine of this process, so that all callers share what it has compiled and cached."""
    return DuckEngine()
