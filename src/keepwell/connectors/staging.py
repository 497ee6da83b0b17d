"""Mapping a whole file into a store of its own, so that what is reported and what is written are the same rows.

The store is a DuckDB in memory that spills into a temporary folder: memory stays flat for files of any size, and a file
that turns out to be damaged has changed nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb
import pyarrow as pa

from keepwell.connectors.event_plan import EventPlan
from keepwell.connectors.import_map import ImportMap
from keepwell.connectors.json_object import one_spelling
from keepwell.connectors.other_file import load_lists, register_zones
from keepwell.connectors.readers.reader import FileReader
from keepwell.connectors.reasons import RowReject
from keepwell.connectors.row_plan import RowPlan
from keepwell.connectors.sql_text import fill, literal, one_row
from keepwell.facts.arrival import ARRIVALS
from keepwell.facts.catalogue import Catalogue

MEMORY: Final = "512MB"
ROWS_HANDED_ON: Final = 50_000
DIGEST_SIGNS: Final = 32

NAMES: Final = pa.schema([("word", pa.string()), ("name", pa.string())])
_TABLES: Final = """
    CREATE TABLE taken (line BIGINT, account VARCHAR, contact VARCHAR, name VARCHAR, at_us BIGINT, known_us BIGINT,
        message_id VARCHAR, digest VARCHAR, copy INTEGER, props VARCHAR);
    CREATE TABLE refused (line BIGINT, last_line BIGINT, event INTEGER, code VARCHAR, culprit VARCHAR);
"""


@dataclass(slots=True)
class Filled:
    """How often a property had a value, and between which numbers."""

    count: int = 0
    least: float | None = None
    most: float | None = None

    def add(self, count: int, least: float | None, most: float | None) -> None:
        self.count += count
        self.least = least if self.least is None else self.least if least is None else min(least, self.least)
        self.most = most if self.most is None else self.most if most is None else max(most, self.most)


@dataclass(slots=True)
class RowCounts:
    """Rows of the file: read = those that gave events or rejects, `skipped`, `eventless` and `unreadable` ones."""

    read: int = 0
    skipped: int = 0
    eventless: int = 0
    unreadable: int = 0


@dataclass(slots=True)
class Staged:
    """A mapped file. `database` holds the tables `taken`, `refused` and, for checks, `seen`."""

    database: duckdb.DuckDBPyConnection
    plan: RowPlan
    reader: FileReader
    rows: RowCounts = field(default_factory=RowCounts)
    filled: dict[tuple[str, str], Filled] = field(default_factory=dict)
    """By event name and property."""
    columns_seen: set[str] = field(default_factory=set)
    """Columns that had a value in some row."""

    @property
    def has_rows(self) -> bool:
        """Whether there is a table `seen`."""
        return bool(self.database.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'seen'").fetchall())

    def arrivals(self) -> Iterator[pa.RecordBatch]:
        """What do_import_events takes, in the order of the file."""
        if self.plan.map.message_id is None:
            self._number_copies()
        query = fill(
            """
            SELECT account, contact, name, at_us AS "at", known_us AS known_at, $source AS source,
                coalesce(message_id, digest || '-' || coalesce(copy, 0)) AS message_id, TRUE AS imported, props
            FROM taken
            """,
            source=literal(self.plan.map.source),
        )
        for batch in self.database.sql(query).to_arrow_reader(ROWS_HANDED_ON):
            yield pa.RecordBatch.from_arrays(
                [batch.column(name).cast(ARRIVALS.field(name).type) for name in ARRIVALS.names], schema=ARRIVALS
            )

    def _number_copies(self) -> None:
        # Rows with the same content are the same but for their number, so it does not matter which one gets which.
        self.database.execute(
            """
            UPDATE taken SET copy = copies.number FROM (
                SELECT rowid AS place, row_number() OVER (PARTITION BY digest ORDER BY rowid) - 1 AS number FROM taken
                WHERE digest IN (SELECT digest FROM taken GROUP BY digest HAVING count(*) > 1)
            ) AS copies WHERE taken.rowid = copies.place
            """
        )


@contextmanager
def stage(
    reader: FileReader,
    import_map: ImportMap,
    types: Mapping[tuple[int, str], str],
    catalogue: Catalogue,
    *,
    now: datetime,
    progress: Callable[[int], None] = lambda position: None,
) -> Iterator[Staged]:
    """Map every row of the file. `types` come from `check_map`; `progress` hears how far the file has been read."""
    plan = RowPlan(import_map)
    events = []
    for index in range(len(import_map.events)):
        own = {name: kind for (place, name), kind in types.items() if place == index}
        events.append(EventPlan(plan, index, types=own, catalogue=catalogue, now=now))
    with TemporaryDirectory(prefix="keepwell-import-") as folder, _database(Path(folder)) as database:
        database.execute(_TABLES)
        register_zones(database, plan)
        lists = [listed for condition in plan.conditions() for listed in condition.lists()]
        load_lists(database, import_map, reader.path.parent, lists)
        for event in events:
            names = {"word": list(event.names), "name": list(event.names.values())}
            database.register(
                event.name_table, pa.table(names, pa.schema([("word", pa.string()), ("name", pa.string())]))
            )
        staged = Staged(database, plan, reader)
        for batch in reader.rows(plan.columns):
            database.register("source_rows", _with_objects(batch.table, plan))
            staged.rows.read += batch.table.num_rows + len(batch.rejects)
            staged.rows.unreadable += len(batch.rejects)
            staged.columns_seen.update(_filled_columns(batch.table, plan.columns))
            _refuse_rows(database, batch.rejects)
            _map_rows(staged, events)
            progress(batch.position)
        yield staged


@contextmanager
def _database(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    options: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "temp_directory": str(folder / "spill"),
    }
    with duckdb.connect(config=options) as database:
        database.execute("SET TimeZone = 'UTC'")
        yield database


def _with_objects(rows: pa.RecordBatch, plan: RowPlan) -> pa.RecordBatch:
    for name in plan.objects():
        rows = rows.append_column(name, one_spelling(rows.column("c" + name[1:])))
    return rows


def _filled_columns(rows: pa.RecordBatch, columns: Sequence[str]) -> Iterator[str]:
    for place, column in enumerate(columns):
        if rows.column(f"c{place}").null_count < len(rows):
            yield column


def _refuse_rows(database: duckdb.DuckDBPyConnection, rejects: Sequence[RowReject]) -> None:
    if rejects:
        found = pa.Table.from_pylist([asdict(reject) for reject in rejects])
        database.register("unreadable", found)
        database.execute("INSERT INTO refused SELECT line, last_line, NULL, code, NULL FROM unreadable")


def _map_rows(staged: Staged, events: list[EventPlan]) -> None:
    database, plan = staged.database, staged.plan
    database.execute("CREATE OR REPLACE TEMP TABLE prepared AS " + plan.prepare_rows())
    silent = " AND ".join(f"w{event.index} IS FALSE" for event in events)
    counts = "SELECT count(*) FILTER (skipped), count(*) FILTER (skipped IS FALSE AND $silent) FROM prepared"
    skipped, eventless = one_row(database, fill(counts, silent=silent))
    staged.rows.skipped += skipped
    staged.rows.eventless += eventless
    for event in events:
        _map_event(staged, event)
    if plan.map.checks:
        start = "INSERT INTO seen" if staged.has_rows else "CREATE TABLE seen AS"
        database.execute(fill("$start FROM prepared WHERE skipped IS DISTINCT FROM TRUE", start=start))


def _map_event(staged: Staged, event: EventPlan) -> None:
    database = staged.database
    database.execute("CREATE OR REPLACE TEMP TABLE mapped AS " + event.select())
    codes = " ".join(f"WHEN {i} THEN {literal(problem.code)}" for i, problem in enumerate(event.problems))
    columns = " ".join(f"WHEN {i} THEN {literal(problem.column)}" for i, problem in enumerate(event.problems))
    database.execute(
        fill(
            """
            INSERT INTO refused
            SELECT line, last_line, $event, CASE problem $codes END, CASE problem $columns END
            FROM mapped WHERE problem IS NOT NULL
            """,
            event=str(event.index),
            codes=codes,
            columns=columns,
        )
    )
    database.execute(_taking(staged.plan.map, event))
    _count_filled(staged, event)


def _taking(import_map: ImportMap, event: EventPlan) -> str:
    digest = fill(
        "left(sha256(to_json([$source, account, contact, name, at_us::VARCHAR, props])::VARCHAR), $signs)",
        source=literal(import_map.source),
        signs=str(DIGEST_SIGNS),
    )
    return fill(
        """
        INSERT INTO taken
        SELECT line, account, contact, name, at_us, known_us, message_id, $digest, NULL, props
        FROM (SELECT *, $props AS props FROM mapped WHERE problem IS NULL)
        """,
        digest="NULL" if import_map.message_id is not None else digest,
        props=event.props(),
    )


def _count_filled(staged: Staged, event: EventPlan) -> None:
    if not event.properties:
        return
    parts = []
    for place, plan in enumerate(event.properties):
        bounds = f"min(p{place}), max(p{place})" if plan.is_number else "NULL, NULL"
        parts.append(f"count(p{place}), {bounds}")
    query = fill("SELECT name, $parts FROM mapped WHERE problem IS NULL GROUP BY name", parts=", ".join(parts))
    for name, *found in staged.database.execute(query).fetchall():
        for place, plan in enumerate(event.properties):
            filled = staged.filled.setdefault((name, plan.name), Filled())
            filled.add(*found[3 * place : 3 * place + 3])
