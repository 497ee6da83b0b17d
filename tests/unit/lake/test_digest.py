"""Which files may hold an event already."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from keepwell.lake.digest import KnownDigests
from keepwell.lake.log_file import LogFile

TIES = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=8)


def chunked(ties: list[int]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(ties, pa.int64())])


def file_of(folder: Path, number: int, ties: list[int]) -> LogFile:
    path = folder / f"{number}.parquet"
    pq.write_table(pa.table({"tie": pa.array(ties, pa.int64())}), path)
    return LogFile(str(path), len(ties), 0, 0, 0)


@given(st.lists(TIES, min_size=1, max_size=4), TIES)
def test_every_file_that_holds_a_digest_is_named(held: list[list[int]], asked: list[int]) -> None:
    with TemporaryDirectory() as folder:
        files = [file_of(Path(folder), number, ties) for number, ties in enumerate(held)]
        known = KnownDigests()
        for wanted in (asked, *held):
            named = known.holding(chunked(wanted), files)
            assert {file.path for file, ties in zip(files, held, strict=True) if set(ties) & set(wanted)} <= {
                file.path for file in named
            }


def test_a_file_without_any_of_them_is_not_read(tmp_path: Path) -> None:
    files = [file_of(tmp_path, 1, [5, -7]), file_of(tmp_path, 2, [11])]
    assert KnownDigests().holding(chunked([11, 12]), files) == files[1:]


def test_what_a_new_file_holds_is_learnt(tmp_path: Path) -> None:
    known = KnownDigests()
    first = file_of(tmp_path, 1, [5])
    assert known.holding(chunked([11]), [first]) == []
    second = file_of(tmp_path, 2, [11])
    assert known.holding(chunked([11]), [first, second]) == [second]
    assert known.holding(chunked([5]), [second]) == []
