"""The event log: a Delta table that only grows, in few runs sorted by account.

A row says what happened at an account, in integers of the dictionaries, with both clocks. A seal enters as a
*fresh* file; `compact` merges the fresh files, and the runs that are not much larger than they are, into one new
*run*: files sorted by account whose ranges do not overlap. That makes reading everything fast and reading a hundred
accounts cheap, and a few fresh rows never cause a large run to be written again.
"""

import fcntl
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.transaction import AddAction

from keepwell.lake import duck
from keepwell.lake.log_file import FRESH, ROWS_A_GROUP, LogFile, seal, settle, sync_path
from keepwell.lake.meaning import SENT_NAME, SENT_PROPS, Rule, meant
from keepwell.lake.snapshot import MAPPING, PropertyColumn, Snapshot, files_of, newest_snapshot, properties_of

# Merging is worth it once this share of the rows is fresh, or the files are many.
FRESH_SHARE: Final = 0.2
MANY_FRESH_FILES: Final = 50
# A run is merged with what is fresher when it holds fewer than this many times its rows. So a row that is written again
# lands in a run at least half as large again, and every run that stays is at least twice as large as the next one.
MERGED_RATIO: Final = 2
# Rows of a hundred columns are sorted in memory, so not all at once.
ROWS_A_SORT: Final = 1_000_000

# Both engines read these as the same times; beyond them they differ in what they take for one.
TIME: Final = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?$"

COLUMNS: Final = pa.schema(
    [
        pa.field("account", pa.int64(), nullable=False),
        pa.field("contact", pa.int64()),
        pa.field("name", pa.int32(), nullable=False),
        pa.field("at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("known_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("message_id", pa.string(), nullable=False),
        pa.field("tie", pa.int64(), nullable=False),
        pa.field("imported", pa.bool_(), nullable=False),
        pa.field("props", pa.string()),
        # What was sent, where it means something else, and whether it came with a key that anybody may see.
        pa.field("sent_name", pa.int32()),
        pa.field("sent_props", pa.string()),
        pa.field("untrusted", pa.bool_()),
    ]
)


class EventLog:
    """The log in one folder. One process seals and compacts at a time; any number read."""

    def __init__(self, folder: Path, *, sync: Callable[[Path], None] = sync_path) -> None:
        """`sync` makes a file or the names in a folder durable."""
        self.folder = folder
        self._sync = sync

    def exists(self) -> bool:
        return self.snapshot().table is not None

    def properties(self) -> Mapping[str, PropertyColumn]:
        """The event properties that are columns, with their type."""
        return self.snapshot().properties

    def create(self, properties: Mapping[str, PropertyColumn]) -> None:
        """An empty log with a column for each property."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            DeltaTable.create(
                str(self.folder),
                schema=stored_schema(properties),
                partition_by=["part"],
                configuration={"delta.dataSkippingStatsColumns": "account"},
            )
            self._sync_entry(self._table())
            self._sync(self.folder.parent)

    def append(self, rows: pa.Table, *, writer: str, number: int) -> bool:
        """Seal rows durably; False when seal `number` of this writer is in the log already.

        The rows, the log entry and their folders are on disk when this returns.
        """
        with self._alone():
            table = self._table()
            if (table.transaction_version(writer) or 0) >= number:
                return False
            properties = properties_of(table)
            written = [seal(rows, schema_of(properties), self.folder / f"part={FRESH}")] if len(rows) else []
            self._commit(table, written, properties, transactions=[Transaction(writer, number)])
            return True

    @contextmanager
    def sealing(self, *, wait: bool = True) -> Iterator[bool]:
        """Hold while rows are compared with the log and then appended: nobody else seals in between.

        Gives false where somebody else seals; that comes only without `wait`.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / f"{self.folder.name}.sealing.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def sealed(self, writer: str) -> int:
        """Number of the last seal of a writer, 0 before the first."""
        return self.snapshot().sealed(writer)

    def snapshot(self, accounts: Sequence[int] | None = None) -> Snapshot:
        """What a reader needs, all of one version; with `accounts`, only the files whose range holds one of them."""
        found = newest_snapshot(self.folder)
        if accounts is None:
            return found
        wanted = sorted(accounts)
        held = [file for file in found.files if _any_between(wanted, file.first_account, file.last_account)]
        return replace(found, files=held)

    def files(self, accounts: Sequence[int] | None = None) -> Sequence[LogFile]:
        """Live files, restricted like those of `snapshot`."""
        return self.snapshot(accounts).files

    def is_worth_compacting(self) -> bool:
        files = self.files()
        fresh = [file for file in files if file.part == FRESH]
        rows = sum(file.rows for file in files)
        return len(fresh) > MANY_FRESH_FILES or sum(file.rows for file in fresh) > FRESH_SHARE * rows

    def compact(self, properties: Mapping[str, PropertyColumn] | None = None) -> None:
        """Merge the fresh files and the small runs; new `properties` become columns, filled from history.

        Readers see the old files or the new ones, never both; the rows are the same. With new columns the whole log
        is written again, without them only what `to_merge` names.
        """
        with self._alone():
            table = self._table()
            known = properties_of(table)
            wanted = {**known, **(properties or {})}
            files = files_of(table, self.folder.absolute())
            merged = files if wanted != known else to_merge(files)
            run = max((file.part for file in files), default=FRESH) + 1
            if merged or wanted != known:
                written = list(self._settled([file.path for file in merged], known, wanted, run)) if merged else []
                self._commit(table, written, wanted, {file.part for file in merged})
            # Readers then open one file instead of every entry so far.
            table.create_checkpoint()
            self._sync_entry(table)

    def lacks_columns(self) -> bool:
        """Whether the log is of before the mapping; `derive` gives it the columns."""
        return not _held(self._table()).issuperset(COLUMNS.names)

    def derive(self, rules: Sequence[Rule], number: int) -> None:
        """Derive every row anew by the rules of mapping `number`; no rules at all for names that the log lacks.

        Readers see the old rows or the new ones, never both; what was sent, the ids and the counts stay.
        """
        with self._alone():
            table = self._table()
            known = properties_of(table)
            files = files_of(table, self.folder.absolute())
            paths = [file.path for file in files]
            held = _held(table)
            run = max((file.part for file in files), default=FRESH) + 1
            written: list[LogFile] = []
            with duck.session() as database:
                database.execute("SET preserve_insertion_order = true")
                for first, last in _account_ranges(database, paths) if paths else []:
                    where = f"account BETWEEN {first} AND {last}"
                    rows = database.sql(
                        f"SELECT {_listed(known)} FROM ({_derived(database, paths, where, known, held, rules)}) "
                        'ORDER BY account, "at", tie, source, message_id'
                    )
                    batches = rows.to_arrow_reader(ROWS_A_GROUP)
                    written += settle(batches, schema_of(known), self.folder / f"part={run}", run)
            parts = {file.part for file in files}
            self._commit(table, written, known, parts, transactions=[Transaction(MAPPING, number)])
            table.create_checkpoint()
            self._sync_entry(table)

    def note_mapping(self, number: int) -> None:
        """Mapping `number` gives every row the same meaning as the one before: only its number is written."""
        with self._alone():
            table = self._table()
            self._commit(table, [], properties_of(table), transactions=[Transaction(MAPPING, number)])

    def first_known(self, rules: Sequence[Rule]) -> dict[int, datetime]:
        """When each name would first be known if these rules were in force, by its code."""
        table = self._table()
        paths = [file.path for file in files_of(table, self.folder.absolute())]
        if not paths:
            return {}
        held = _held(table)
        with duck.session() as database:
            rows = _derived(database, paths, "TRUE", {}, held, rules)
            found = database.sql(f"SELECT name, min(known_at) AS known_at FROM ({rows}) GROUP BY name").to_arrow_table()
        return dict(zip(found["name"].to_pylist(), found["known_at"].to_pylist(), strict=True))

    def vacuum(self) -> None:
        """Delete files that no reader of the last hour can still hold, those of killed processes included."""
        self._table().vacuum(retention_hours=1, enforce_retention_duration=False, dry_run=False, full=True)

    def _settled(
        self,
        paths: Sequence[str],
        known: Mapping[str, PropertyColumn],
        wanted: Mapping[str, PropertyColumn],
        run: int,
    ) -> Iterator[LogFile]:
        columns = [duck.name(column) for column in COLUMNS.names]
        for item, kind in sorted(wanted.items()):
            column = duck.name(f"p_{item}")
            columns.append(column if item in known else f"{property_from_json(item, kind)} AS {column}")
        with duck.session() as database:
            database.execute("SET preserve_insertion_order = true")
            for first, last in _account_ranges(database, paths):
                rows = database.sql(
                    f"SELECT {', '.join(columns)} FROM {duck.files(paths)} "
                    f'WHERE account BETWEEN {first} AND {last} ORDER BY account, "at", tie, source, message_id'
                )
                batches = rows.to_arrow_reader(ROWS_A_GROUP)
                yield from settle(batches, schema_of(wanted), self.folder / f"part={run}", run)

    def _commit(
        self,
        table: DeltaTable,
        written: Sequence[LogFile],
        properties: Mapping[str, PropertyColumn],
        replaced: Set[int] | None = None,
        transactions: Sequence[Transaction] = (),
    ) -> None:
        """Add the files; with `replaced` in place of all files of these parts, and under new columns if need be."""
        # delta-rs never syncs. What a caller is told is sealed has to survive the power, and an entry must
        # not reach the disk before the files it names.
        for file in written:
            self._sync(Path(file.path))
        for folder in {Path(file.path).parent for file in written}:
            self._sync(folder)
        self._sync(self.folder)
        table.create_write_transaction(
            [_added(file, self.folder, is_new=replaced is None) for file in written],
            mode="append" if replaced is None else "overwrite",
            schema=stored_schema(properties),
            partition_by=["part"],
            partition_filters=[("part", "in", [str(part) for part in sorted(replaced)])] if replaced else None,
            commit_properties=CommitProperties(app_transactions=list(transactions)),
        )
        self._sync_entry(table)

    def _sync_entry(self, table: DeltaTable) -> None:
        table.update_incremental()
        entries = self.folder / "_delta_log"
        for path in [
            *entries.glob(f"{table.version():020}.*"),
            *entries.glob("_last_checkpoint"),
            entries,
            self.folder,
        ]:
            self._sync(path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait until no other thread or process seals or compacts."""
        with (self.folder.parent / f"{self.folder.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _table(self) -> DeltaTable:
        return DeltaTable(str(self.folder))


def to_merge(files: Sequence[LogFile]) -> list[LogFile]:
    """The fresh files and, from the smallest on, the runs that are not much larger than all before them together."""
    rows = Counter[int]()
    for file in files:
        rows[file.part] += file.rows
    gathered = rows.pop(FRESH, 0)
    parts = {FRESH}
    for part, held in sorted(rows.items(), key=lambda run: run[1]):
        if held >= MERGED_RATIO * gathered:
            break
        gathered += held
        parts.add(part)
    return [file for file in files if file.part in parts]


def stored_schema(properties: Mapping[str, PropertyColumn]) -> pa.Schema:
    """Columns of the table: those of a row, and the folder it is in."""
    return schema_of(properties).append(pa.field("part", pa.int32()))


def schema_of(properties: Mapping[str, PropertyColumn]) -> pa.Schema:
    """Columns of a row of the log, property columns last and in order of their names."""
    types = {"number": pa.float64(), "text": pa.string()}
    extra = [pa.field(f"p_{name}", types[kind]) for name, kind in sorted(properties.items())]
    return pa.schema([*COLUMNS, *extra])


def property_from_json(item: str, kind: PropertyColumn) -> str:
    """SQL that reads one property out of `props`, as its column would hold it."""
    path = duck.text(f'$."{item}"')
    return stored(f"json_extract_string(props, {path})", kind)


def stored(told: str, kind: PropertyColumn) -> str:
    """SQL of what a column keeps of a property told as text: a flag as 1 or 0, a time as epoch seconds.

    A value of another type than declared is missing.
    """
    if kind == "text":
        return told
    number = f"TRY_CAST({told} AS DOUBLE)"
    finite = f"CASE WHEN isfinite({number}) THEN {number} END"
    time = f"CASE WHEN regexp_matches({told}, {duck.text(TIME)}) THEN epoch(TRY_CAST({told} AS TIMESTAMPTZ)) END"
    return f"CASE {told} WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 ELSE COALESCE({finite}, {time}) END"


def _derived(
    database: duckdb.DuckDBPyConnection,
    paths: Sequence[str],
    where: str,
    known: Mapping[str, PropertyColumn],
    held: Set[str],
    rules: Sequence[Rule],
) -> str:
    """SQL of rows of the log with their meaning derived anew, and the columns of `known` properties with it.

    `held` are the columns that the files have: those of an older log lack what was sent.
    """
    is_new = "sent_name" not in held
    sent, told = ("name", "props") if is_new else (SENT_NAME, SENT_PROPS)
    gone = "name, props" if is_new else "name, props, sent_name, sent_props"
    untrusted = ", NULL::BOOLEAN AS untrusted" if is_new else ""
    rows = (
        f"SELECT * EXCLUDE ({gone}), {sent} AS sent, {told} AS told, props AS props_before{untrusted} "
        f"FROM {duck.files(paths)} WHERE {where}"
    )
    rows = meant(database, rows, rules)
    if not known:
        return rows
    # Read out of JSON all at once, and only where it changed.
    wanted = duck.text(json.dumps(dict.fromkeys(known, "VARCHAR")))
    changed = "props IS DISTINCT FROM props_before"
    columns = ", ".join(
        f"CASE WHEN {changed} THEN {stored(f'found.{duck.name(item)}', kind)} ELSE {duck.name(f'p_{item}')} END "
        f"AS {duck.name(f'p_{item}')}"
        for item, kind in sorted(known.items())
    )
    found = f"CASE WHEN {changed} THEN json_transform(props, {wanted}) END"
    return f"SELECT * REPLACE ({columns}) FROM (SELECT *, {found} AS found FROM ({rows}))"


def _held(table: DeltaTable) -> set[str]:
    return {field.name for field in pa.schema(table.schema().to_arrow())}


def _listed(known: Mapping[str, PropertyColumn]) -> str:
    return ", ".join(duck.name(column) for column in schema_of(known).names)


def _account_ranges(database: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> list[tuple[int, int]]:
    """Ranges of accounts, first and last, of about ROWS_A_SORT rows each."""
    found = database.sql(
        f"SELECT min(account), max(account) FROM (SELECT account, sum(count(*)) OVER (ORDER BY account) AS rows "
        f"FROM {duck.files(paths)} GROUP BY account) GROUP BY rows // {ROWS_A_SORT} ORDER BY 1"
    ).fetchall()
    return [(int(first), int(last)) for first, last in found]


def _added(file: LogFile, folder: Path, *, is_new: bool) -> AddAction:
    stats = {
        "numRecords": file.rows,
        "minValues": {"account": file.first_account},
        "maxValues": {"account": file.last_account},
        "nullCount": {"account": 0},
    }
    found = Path(file.path).stat()
    return AddAction(
        path=str(Path(file.path).relative_to(folder.absolute())),
        size=found.st_size,
        partition_values={"part": str(file.part)},
        modification_time=found.st_mtime_ns // 1_000_000,
        data_change=is_new,
        stats=json.dumps(stats),
    )


def _any_between(wanted: Sequence[int], low: int, high: int) -> bool:
    place = bisect_left(wanted, low)
    return place < len(wanted) and wanted[place] <= high
