"""The event log: seals, compaction, files."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from math import log as log_of
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.lake import log as log_module
from keepwell.lake.log import MERGED_RATIO, EventLog, to_merge
from keepwell.lake.log_file import FRESH, LogFile, sync_path
from keepwell.lake.snapshot import PropertyColumn
from tests.contracts.log_world import COLUMNS, START, arrival, random_arrivals, rows, write_log

DAY = timedelta(days=1)


def table_of(log: EventLog) -> pa.Table:
    tables = [pq.read_table(file.path, partitioning=None) for file in log.files()]
    return pa.concat_tables(tables)


def multiset(table: pa.Table) -> list[str]:
    return sorted(repr(row) for row in table.to_pylist())


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    arrivals = random_arrivals(np.random.default_rng(5), 30, 600)
    return write_log(tmp_path, [arrivals[:200], arrivals[200:400], arrivals[400:]], settled=0)


def test_a_seal_told_twice_is_in_the_log_once(log: EventLog) -> None:
    before = multiset(table_of(log))
    again = rows([arrival(1, "signed_in", START, 9000)])
    assert not log.append(again, writer="test", number=3)
    assert not log.append(again, writer="test", number=1)
    assert multiset(table_of(log)) == before
    assert log.append(again, writer="test", number=4)
    assert log.append(again, writer="another", number=1)
    assert (log.sealed("test"), log.sealed("another"), log.sealed("a third")) == (4, 1, 0)
    assert len(table_of(log)) == len(before) + 2


def test_an_empty_seal_counts(log: EventLog) -> None:
    assert log.append(rows([]), writer="test", number=4)
    assert log.sealed("test") == 4
    assert len(log.files()) == 3


def test_seal_numbers_survive_compaction(log: EventLog) -> None:
    log.compact()
    assert log.sealed("test") == 3
    assert not log.append(rows([arrival(1, "signed_in", START, 9000)]), writer="test", number=3)


def test_rows_are_on_disk_before_the_entry_that_names_them(tmp_path: Path) -> None:
    folder = tmp_path / "lake" / "events"
    synced: list[tuple[Path, int]] = []

    def note(path: Path) -> None:
        sync_path(path)
        synced.append((path, len(list((folder / "_delta_log").glob("*.json")))))

    log = EventLog(folder, sync=note)
    log.create(COLUMNS)
    synced.clear()
    log.append(rows([arrival(1, "signed_in", START, 1)]), writer="test", number=1)
    file = Path(log.files()[0].path)
    entries = folder / "_delta_log"
    before = [path for path, versions in synced if versions == 1]
    after = [path for path, versions in synced if versions == 2]
    assert before == [file, file.parent, folder]
    assert after == [entries / f"{1:020}.json", entries, folder]
    synced.clear()
    log.compact()
    settled = Path(log.files()[0].path)
    assert synced[0] == (settled, 2)
    assert {entries / f"{2:020}.json", entries / f"{2:020}.checkpoint.parquet"} <= {path for path, _ in synced}


def test_compaction_keeps_every_row(log: EventLog) -> None:
    before = multiset(table_of(log))
    log.compact()
    assert multiset(table_of(log)) == before
    assert {file.part for file in log.files()} == {1}
    log.append(rows([arrival(31, "signed_in", START, 9000)]), writer="test", number=4)
    assert sorted(file.part for file in log.files()) == [FRESH, 1]
    log.compact()
    assert len(table_of(log)) == len(before) + 1


def test_settled_rows_are_sorted_within_and_across_files(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "ROWS_A_SORT", 100)
    monkeypatch.setattr(log_module, "ROWS_A_GROUP", 16)
    before = multiset(table_of(log))
    log.compact()
    files = sorted(log.files(), key=lambda file: file.first_account)
    assert len(files) > 3
    assert all(one.last_account < other.first_account for one, other in pairwise(files))
    for file in files:
        keys = [
            (row["account"], row["at"], row["tie"]) for row in pq.read_table(file.path, partitioning=None).to_pylist()
        ]
        assert keys == sorted(keys)
        assert (keys[0][0], keys[-1][0], len(keys)) == (file.first_account, file.last_account, file.rows)
    assert multiset(table_of(log)) == before


def test_a_few_fresh_rows_never_cause_a_large_run_to_be_written_again(log: EventLog) -> None:
    log.compact()
    large = {file.path for file in log.files()}
    seals = random_arrivals(np.random.default_rng(9), 30, 700)[600:]
    for number, place in enumerate(range(0, 100, 10), 4):
        assert log.append(rows(seals[place : place + 10]), writer="test", number=number)
        before = multiset(table_of(log))
        log.compact()
        assert large <= {file.path for file in log.files()}
        assert FRESH not in {file.part for file in log.files()}
        assert multiset(table_of(log)) == before
    assert len(table_of(log)) == 700
    again = EventLog(log.folder)
    assert again.append(rows(random_arrivals(np.random.default_rng(9), 30, 1100)[700:]), writer="test", number=14)
    again.compact()
    assert len({file.part for file in again.files()}) == 1
    assert len(table_of(again)) == 1100


def test_compacting_what_is_compacted_changes_nothing(log: EventLog) -> None:
    log.compact()
    before = log.files()
    log.compact()
    assert log.files() == before


def test_an_empty_log_gets_its_columns(tmp_path: Path) -> None:
    log = write_log(tmp_path, [], settled=0, columns={})
    log.compact({"units": "number"})
    assert log.properties() == {"units": "number"}
    assert log.append(rows([arrival(1, "usage_recorded", START, 1, units=2)]), writer="test", number=1)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=300))
def test_merging_costs_each_row_a_logarithm_and_leaves_few_runs(seals: list[int]) -> None:
    files: list[LogFile] = []
    written = [0]
    for number, size in enumerate(seals, 1):
        files.append(LogFile(f"{number}", size, FRESH, 1, 9))
        merged = to_merge(files)
        gathered = sum(file.rows for file in merged)
        written.append(gathered)
        files = [file for file in files if file not in merged] + [LogFile(f"run {number}", gathered, number, 1, 9)]
        sizes = sorted((file.rows for file in files), reverse=True)
        assert all(large >= MERGED_RATIO * small for large, small in pairwise(sizes))
        assert sum(sizes) == sum(seals[:number])
    # A row lands in its first run, and from then on in runs half as large again each time.
    most = sum(size * (1 + log_of(sum(seals) / size) / log_of(1 + 1 / MERGED_RATIO)) for size in seals)
    assert sum(written) <= most


def test_a_new_column_is_filled_from_history_as_arrivals_would_fill_it(tmp_path: Path) -> None:
    arrivals = random_arrivals(np.random.default_rng(6), 10, 500)
    odd = [
        True,
        "true",
        5,
        "5",
        " 5",
        "five",
        None,
        1e15,
        "2026-03-01",
        "2026-03-01T10:00:00Z",
        "infinity",
        [1],
        {"b": 1},
    ]
    odd += ["2026-03-01T10:00:00+05:30", "2026", "10:00", "1e400", "NaN", "", "naïve ѕ"]
    arrivals += [arrival(11, "usage_recorded", START, 9000 + place, units=value) for place, value in enumerate(odd)]
    few: dict[str, PropertyColumn] = {"feature": "text"}
    later = {**few, "units": "number", "severity": "text", "never_sent": "number"}
    log = write_log(tmp_path / "later", [arrivals], settled=0, columns=few)
    log.compact(later)
    at_once = write_log(tmp_path / "at once", [arrivals], settled=0, columns=later)
    assert log.properties() == later
    assert multiset(table_of(log)) == multiset(table_of(at_once))


def test_only_files_that_may_hold_an_account_are_read(tmp_path: Path) -> None:
    def batch(accounts: Sequence[int], first: int) -> list[dict[str, object]]:
        return [arrival(account, "signed_in", START, first + account) for account in accounts]

    log = write_log(tmp_path, [batch([1, 2, 9], 0), batch([4, 5], 100), batch([20], 200)], settled=0)

    def ranges(accounts: Sequence[int] | None) -> list[tuple[int, int]]:
        return sorted((file.first_account, file.last_account) for file in log.files(accounts))

    assert ranges(None) == [(1, 9), (4, 5), (20, 20)]
    assert ranges([4]) == [(1, 9), (4, 5)]
    assert ranges([20, 3]) == [(1, 9), (20, 20)]
    assert ranges([10, 19, 21]) == []
    assert ranges([]) == []


def test_a_log_is_worth_compacting_once_a_fifth_is_fresh(tmp_path: Path) -> None:
    arrivals = random_arrivals(np.random.default_rng(7), 5, 126)
    log = write_log(tmp_path, [arrivals[:100]], settled=1)
    assert not log.is_worth_compacting()
    log.append(rows(arrivals[100:120]), writer="test", number=2)
    assert not log.is_worth_compacting()
    log.append(rows(arrivals[120:]), writer="test", number=3)
    assert log.is_worth_compacting()


def test_a_folder_without_a_log_reads_as_empty(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "nothing")
    assert not log.exists()
    assert log.files() == ()
    assert log.properties() == {}
