"""Another file beside the imported one, read for a check or a condition."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from keepwell.base.errors import UserError, nearest
from keepwell.connectors.condition import ListedIn, condition_sql
from keepwell.connectors.import_map import ImportMap
from keepwell.connectors.local_time import zone_shifts
from keepwell.connectors.open_file import open_file
from keepwell.connectors.row_plan import ColumnPlan, list_table, shift_table
from keepwell.connectors.sql_text import all_of, fill


def plan_other(own: ImportMap, columns: Iterable[str], time_columns: Iterable[str]) -> ColumnPlan:
    """The columns of another file, read in the zone and with the empty words of the map."""
    other = ColumnPlan(columns, zone=own.zone, nulls=own.nulls, numbers=own.numbers)
    for column in time_columns:
        other.default_instant(column)
    return other


def load_other(database: duckdb.DuckDBPyConnection, own: ImportMap, folder: Path, name: str, other: ColumnPlan) -> None:
    """Make the table `other` of these columns; UserError when the file or one of them is missing."""
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise UserError(f"{name} is not a file beside the imported one.")
    if not path.is_file():
        raise UserError(f"{path} is not there, and the map needs it.")
    reader = open_file(path, own, other.columns)
    for column in other.columns if reader.columns is not None else ():
        if column not in (reader.columns or ()):
            raise UserError(f"{path} has no column {column!r}.{nearest(column, reader.columns or ())}")
    register_zones(database, other)
    database.execute("DROP TABLE IF EXISTS other")
    start = "CREATE TEMP TABLE other AS "
    for batch in reader.rows(other.columns):
        database.register("source_rows", batch.table)
        database.execute(start + other.prepare())
        start = "INSERT INTO other "
    if start.startswith("CREATE"):
        raise UserError(f"{path} has no rows, and the map needs them.")


def load_lists(database: duckdb.DuckDBPyConnection, own: ImportMap, folder: Path, lists: Sequence[ListedIn]) -> None:
    """Make the tables that conditions with `listed_in` look into."""
    for listed in lists:
        load_lists(database, own, folder, [inner for part in listed.when for inner in part.lists()])
        columns = [listed.column, *(column for part in listed.when for _, column in part.columns())]
        other = plan_other(own, columns, (column for part in listed.when for column in part.time_columns()))
        load_other(database, own, folder, listed.file, other)
        query = "CREATE OR REPLACE TEMP TABLE $table AS SELECT DISTINCT $word AS word FROM other WHERE $when"
        word = other.text(listed.column)
        when = all_of(condition_sql(part, other.terms()) for part in listed.when) + f" AND {word} IS NOT NULL"
        database.execute(fill(query, table=list_table(listed), word=word, when=when))


def register_zones(database: duckdb.DuckDBPyConnection, plan: ColumnPlan) -> None:
    """Make the shifts of the plan's zones known to the database."""
    for zone in plan.zones:
        database.register(shift_table(zone), zone_shifts(zone))
