"""The embedded engine: DuckDB in this process, over the files of the log."""

from collections.abc import Sequence
from functools import cache

import duckdb
import pyarrow as pa

from keepwell.facts.moment import Moment
from keepwell.facts.values import Values
from keepwell.lake import duck
from keepwell.lake.duckdb_memory import FEW_MOMENTS, batches, keep, keep_few, look, only, split
from keepwell.lake.engine import Queries, Question, nobody, to_values
from keepwell.lake.log import EventLog, property_from_json
from keepwell.lake.snapshot import Snapshot
from keepwell.metrics.compile import properties_of
from keepwell.metrics.events import MICROSECONDS_A_DAY, RELATION


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
        question = question.under(snapshot.mapping)
        found: dict[Moment, Values] = {}
        with duck.session(self._database) as database:
            plain = dict.fromkeys(moment for moment in question.moments if moment == Moment.at(moment.as_of))
            if len(plain) > 1:
                found.update(self._from_memory(database, snapshot, question, list(plain)))
            for moment in question.moments:
                if moment not in found:
                    found[moment] = self._from_files(database, snapshot, question, moment)
        return [found[moment] for moment in question.moments]

    def _from_files(
        self, database: duckdb.DuckDBPyConnection, snapshot: Snapshot, question: Question, moment: Moment
    ) -> Values:
        source = duck.files(snapshot.paths) + only(question.accounts)
        database.execute(
            f"CREATE OR REPLACE TEMP VIEW {RELATION} AS {as_of_view(source, _columns(snapshot, question), moment)}"
        )
        query = self._queries.text(question, question.codes(moment))
        # Run at once: a relation, which `sql` gives, would be bound twice.
        rows = pa.table(database.execute(query).fetchnumpy())
        return to_values(rows, question, moment)

    def _from_memory(
        self, database: duckdb.DuckDBPyConnection, snapshot: Snapshot, question: Question, moments: Sequence[Moment]
    ) -> dict[Moment, Values]:
        columns, names = _columns(snapshot, question), _read(question)
        apart = question.accounts is None or len(moments) > FEW_MOMENTS
        if question.accounts is None or apart:
            accounts = keep(database, duck.files(snapshot.paths) + only(question.accounts), columns, names)
        else:
            accounts = len(question.accounts)
            keep_few(database, snapshot.paths, question.accounts, columns, names, moments)
        found: dict[Moment, Values] = {}
        for codes, alike in question.alike(moments).items():
            query = self._queries.text(question, dict(codes), apart=apart)
            for together in batches(alike, accounts):
                look(database, together, apart=apart)
                rows = pa.table(database.execute(query).fetchnumpy())
                found.update((moment, to_values(part, question, moment)) for moment, part in split(rows, together))
        return found


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


def _read(question: Question) -> set[int]:
    return {code for moment in question.moments for code in question.codes(moment).values()}


def _columns(snapshot: Snapshot, question: Question) -> list[str]:
    columns = [duck.name(column) for column in ("account", "contact", "name", "at", "known_at", "tie")]
    for item, kind in sorted(properties_of(question.metrics).items()):
        column = duck.name(f"p_{item}")
        columns.append(column if item in snapshot.properties else f"{property_from_json(item, kind)} AS {column}")
    return columns


@cache
def embedded_engine() -> DuckEngine:
    """The one engine of this process, so that all callers share what it has compiled and cached."""
    return DuckEngine()
