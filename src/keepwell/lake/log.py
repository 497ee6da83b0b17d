"""The event log: a Delta table that only grows, and is sorted by account now and then.

A row says what happened at an account, in integers of the dictionaries, with both clocks. Rows enter as
*fresh* files in the order of sealing; `compact` rewrites the log as *settled* files sorted by account,
which is what makes reading everything fast and reading a hundred accounts cheap.
"""

import json
import os
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlparse

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.transaction import AddAction

from keepwell.lake import duck
from keepwell.lake.log_file import FRESH, SETTLED, SETTLED_ROWS_A_GROUP, LogFile, settle

PropertyColumn = Literal["number", "text"]

# Rewriting the whole log is worth it once this share of its rows is fresh.
FRESH_SHARE: Final = 0.2
MANY_FRESH_FILES: Final = 50

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
    ]
)


class EventLog:
    """The log in one folder. One process seals and compacts at a time; any number read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def exists(self) -> bool:
        return DeltaTable.is_deltatable(str(self.folder))

    def properties(self) -> dict[str, PropertyColumn]:
        """The event properties that are columns, with their type."""
        if not self.exists():
            return {}
        schema = pa.schema(self._table().schema().to_arrow())
        return {
            field.name.removeprefix("p_"): "text" if pa.types.is_string(field.type) else "number"
            for field in schema
            if field.name.startswith("p_")
        }

    def create(self, properties: Mapping[str, PropertyColumn]) -> None:
        """An empty log with a column for each property."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        write_deltalake(
            self.folder,
            schema_of(properties).append(pa.field("part", pa.int32())).empty_table(),
            partition_by=["part"],
            configuration={"delta.dataSkippingStatsColumns": "account"},
        )
        self._sync(set())

    def append(self, rows: pa.Table, *, writer: str, number: int) -> bool:
        """Seal rows durably; False when seal `number` of this writer is in the log already.

        The files, the log entry and both folders are on disk when this returns.
        """
        table = self._table()
        if (table.transaction_version(writer) or 0) >= number:
            return False
        before = set(table.file_uris())
        write_deltalake(
            table,
            rows.append_column(pa.field("part", pa.int32()), pa.repeat(pa.scalar(FRESH, pa.int32()), len(rows))),
            mode="append",
            commit_properties=CommitProperties(app_transactions=[Transaction(writer, number)]),
        )
        self._sync(before)
        return True

    def sealed(self, writer: str) -> int:
        """Number of the last seal of a writer, 0 before the first."""
        return self._table().transaction_version(writer) or 0

    def files(self, accounts: Sequence[int] | None = None) -> list[LogFile]:
        """Live files; with `accounts`, only those whose range holds one of them."""
        if not self.exists():
            return []
        table = self._table()
        actions = pa.table(table.get_add_actions(flatten=True)).to_pydict()
        root = self.folder.absolute()
        found = [
            LogFile(str(root / unquote(path)), rows, part, low, high)
            for path, rows, part, low, high in zip(
                actions["path"],
                actions["num_records"],
                actions["partition.part"],
                actions["min.account"],
                actions["max.account"],
                strict=True,
            )
            if rows
        ]
        if accounts is None:
            return found
        wanted = sorted(accounts)
        return [file for file in found if _any_between(wanted, file.first_account, file.last_account)]

    def is_worth_compacting(self) -> bool:
        files = self.files()
        fresh = [file for file in files if file.part == FRESH]
        rows = sum(file.rows for file in files)
        return len(fresh) > MANY_FRESH_FILES or sum(file.rows for file in fresh) > FRESH_SHARE * rows

    def compact(self, properties: Mapping[str, PropertyColumn] | None = None) -> None:
        """Rewrite the log sorted by account and time; new `properties` become columns, filled from history.

        Readers see the old files or the new ones, never both; the rows are the same.
        """
        known = self.properties()
        wanted = {**known, **(properties or {})}
        replaced = self.files()
        schema = schema_of(wanted)
        columns = [duck.name(column) for column in COLUMNS.names]
        columns += [
            duck.name(f"p_{item}") if item in known else f"{property_from_json(item, kind)} AS {duck.name(f'p_{item}')}"
            for item, kind in sorted(wanted.items())
        ]
        written: list[LogFile] = []
        if replaced:
            with duck.session() as database:
                database.execute("SET preserve_insertion_order = true")
                scan = duck.files([file.path for file in replaced])
                rows = database.sql(f'SELECT {", ".join(columns)} FROM {scan} ORDER BY account, "at", tie')
                written = list(settle(rows.to_arrow_reader(SETTLED_ROWS_A_GROUP), schema, self.folder / f"part={SETTLED}"))
        self._replace(replaced, written, schema)

    def vacuum(self) -> None:
        """Delete files that no reader of the last hour can still hold."""
        self._table().vacuum(retention_hours=1, enforce_retention_duration=False, dry_run=False)

    def _replace(self, replaced: Sequence[LogFile], written: Sequence[LogFile], schema: pa.Schema) -> None:
        table = self._table()
        before = set(table.file_uris())
        table.create_write_transaction(
            [_added(file, self.folder) for file in written],
            mode="overwrite",
            schema=schema.append(pa.field("part", pa.int32())),
            partition_by=["part"],
        )
        self._sync(before)

    def _table(self) -> DeltaTable:
        return DeltaTable(str(self.folder))

    def _sync(self, before: set[str]) -> None:
        # delta-rs never syncs; what a caller is told is sealed has to survive the power.
        table = self._table()
        files = [Path(unquote(urlparse(uri).path)) for uri in set(table.file_uris()) - before]
        entry = self.folder / "_delta_log" / f"{table.version():020}.json"
        for path in [*files, entry]:
            _sync_path(path)
        for folder in {path.parent for path in files} | {entry.parent, self.folder, self.folder.parent}:
            _sync_path(folder)


def schema_of(properties: Mapping[str, PropertyColumn]) -> pa.Schema:
    """Columns of a row of the log, property columns last and in order of their names."""
    types = {"number": pa.float64(), "text": pa.string()}
    extra = [pa.field(f"p_{name}", types[kind]) for name, kind in sorted(properties.items())]
    return pa.schema([*COLUMNS, *extra])


def property_from_json(item: str, kind: PropertyColumn) -> str:
    """SQL that reads one property out of `props`; a value of another type is null."""
    path = duck.text(f'$."{item}"')
    found = f"json_extract_string(props, {path})"
    if kind == "text":
        return found
    number = f"TRY_CAST({found} AS DOUBLE)"
    flag = f"CASE {found} WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 ELSE {number} END"
    # A time is kept as epoch seconds.
    return f"COALESCE({flag}, epoch(TRY_CAST({found} AS TIMESTAMPTZ)))"


def _added(file: LogFile, folder: Path) -> AddAction:
    stats = {
        "numRecords": file.rows,
        "minValues": {"account": file.first_account},
        "maxValues": {"account": file.last_account},
        "nullCount": {"account": 0},
    }
    found = os.stat(file.path)
    return AddAction(
        path=str(Path(file.path).relative_to(folder.absolute())),
        size=found.st_size,
        partition_values={"part": str(file.part)},
        modification_time=found.st_mtime_ns // 1_000_000,
        data_change=False,
        stats=json.dumps(stats),
    )


def _any_between(wanted: Sequence[int], low: int, high: int) -> bool:
    place = bisect_left(wanted, low)
    return place < len(wanted) and wanted[place] <= high


def _sync_path(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
