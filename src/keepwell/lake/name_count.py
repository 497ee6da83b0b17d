"""How often each event name was sent, by whom, and what such an event carried."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow.parquet as pq

from keepwell.lake import duck
from keepwell.lake.log import EventLog
from keepwell.lake.meaning import SENT_NAME

EXAMPLES: Final = 5
# A row's place in the log: its file, and its number in it.
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class NameCount:
    """Events that were sent under one name by one source and mean one name; `recent` counts those since a moment.

    `untrusted` ones came with a key that anybody may see. `newest` are the places of the newest of them.
    """

    sent: int
    source: str
    untrusted: bool
    name: int
    events: int
    recent: int
    first_at: datetime
    last_at: datetime
    newest: tuple[Place, ...]


def name_counts(log: EventLog, since: datetime) -> list[NameCount]:
    """Every name, most events first. Reads five narrow columns and no properties."""
    paths = log.snapshot().paths
    if not paths:
        return []
    scan = duck.files(paths).removesuffix(")") + ", filename = true, file_row_number = true)"
    query = (
        f"SELECT {SENT_NAME} AS sent, source, coalesce(untrusted, FALSE) AS untrusted, name, count(*) AS events, "
        f'count(*) FILTER ("at" >= {duck.instant(since)}) AS recent, min("at") AS first_at, max("at") AS last_at, '
        f"max({{'at': \"at\", 'file': filename, 'row': file_row_number}}, {EXAMPLES}) AS newest "
        f"FROM {scan} GROUP BY ALL ORDER BY events DESC, sent, source"
    )
    with duck.session() as database:
        rows = database.sql(query).to_arrow_table().to_pylist()
    return [
        NameCount(**{**row, "newest": tuple((place["file"], place["row"]) for place in row["newest"])}) for row in rows
    ]


def sent_properties(places: Iterable[Place]) -> Mapping[Place, str | None]:
    """The properties of single rows as they were sent, as JSON. Reads only the groups of rows that hold them."""
    by_file: dict[str, list[int]] = defaultdict(list)
    for file, row in places:
        by_file[file].append(row)
    found: dict[Place, str | None] = {}
    for file, numbers in by_file.items():
        with pq.ParquetFile(file) as parquet:
            for group, first, inside in _groups(parquet, sorted(set(numbers))):
                columns = parquet.read_row_group(group, columns=["props", "sent_props"])
                for row in inside:
                    told, sent = columns["props"][row - first].as_py(), columns["sent_props"][row - first].as_py()
                    found[file, row] = told if sent is None else sent or None
    return found


def _groups(parquet: pq.ParquetFile, rows: Sequence[int]) -> Iterable[tuple[int, int, list[int]]]:
    """The groups that hold these rows: number, first row, and which of the rows are in it."""
    first = 0
    for group in range(parquet.num_row_groups):
        end = first + parquet.metadata.row_group(group).num_rows
        inside = [row for row in rows if first <= row < end]
        if inside:
            yield group, first, inside
        first = end
