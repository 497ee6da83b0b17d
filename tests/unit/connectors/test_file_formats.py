"""The same rows give the same events, whatever the file is written in."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from keepwell.base.errors import UserError
from tests.unit.connectors.import_case import PLAIN_MAP, import_case

CSV = "account,at,minutes\n001,2026-01-01T10:00:00Z,5\n2,2026-01-02,2.5\n"


def parquet(folder: Path, **columns: pa.Array) -> bytes:
    path = folder / "made.parquet"
    pq.write_table(pa.table(columns), path)
    return path.read_bytes()


def test_csv_jsonl_and_parquet_give_the_same_events_with_the_same_ids(tmp_path: Path) -> None:
    rows = [
        {"account": "001", "at": "2026-01-01T10:00:00Z", "minutes": 5},
        {"account": 2, "at": "2026-01-02", "minutes": 2.5},
    ]
    made = parquet(
        tmp_path,
        account=pa.array(["001", "2"]),
        at=pa.array([datetime(2026, 1, 1, 10), datetime(2026, 1, 2)], pa.timestamp("us")),  # noqa: DTZ001
        minutes=pa.array([5.0, 2.5]),
    )
    from_csv = import_case(tmp_path, CSV)
    assert from_csv.values("account") == ["001", "2"]
    assert from_csv.props() == [{"minutes": 5}, {"minutes": 2.5}]
    assert import_case(tmp_path, gzip.compress(CSV.encode()), name="file.csv.gz").ids == from_csv.ids
    text = "\n".join(json.dumps(row) for row in rows)
    assert import_case(tmp_path, text, name="file.jsonl").ids == from_csv.ids
    assert import_case(tmp_path, made, name="file.parquet").ids == from_csv.ids


def test_parquet_columns_of_every_type_are_read(tmp_path: Path) -> None:
    made = parquet(
        tmp_path,
        account=pa.array([7.0, None]),
        at=pa.array([date(2026, 1, 1), date(2026, 1, 2)]),
        ends=pa.array([datetime(2026, 1, 1, 10, tzinfo=UTC), None], pa.timestamp("ns", "Europe/Berlin")),
        feature=pa.array(["a", "b"]).dictionary_encode(),
        core=pa.array([True, None]),
    )
    text = (
        "source: s\naccount: account\nevents:\n  - name: feature_used\n    time: at\n"
        "    properties: {ends_at: ends, feature: feature, core: core}\n"
    )
    found = import_case(tmp_path, made, text, name="x.parquet")
    assert found.values("account") == ["7"]
    assert found.props() == [{"core": True, "ends_at": "2026-01-01T10:00:00.000000Z", "feature": "a"}]
    assert found.codes() == [(2, "account_missing")]
    assert json.loads(str(found.rejects[0]["row"]))["feature"] == "b"


def test_a_byte_order_mark_semicolons_and_quoted_delimiters_are_understood(tmp_path: Path) -> None:
    text = PLAIN_MAP.replace("account: account", 'account: account\nnumbers: {decimal: ",", thousands: "."}')
    found = import_case(tmp_path, b'\xef\xbb\xbfaccount;at;minutes\r\n"a;b";2026-01-01;1.234,50\r\n', text)
    assert found.values("account") == ["a;b"]
    assert found.props() == [{"minutes": 1234.5}]


def test_a_file_that_is_not_utf8_is_read_as_latin_1_and_says_so(tmp_path: Path) -> None:
    found = import_case(tmp_path, "account,at,minutes\nMüller,2026-01-01,1\n".encode("latin-1"))
    assert found.values("account") == ["Müller"]
    assert any("not UTF-8" in note and "encoding: latin-1" in note for note in found.report.notes)


def test_a_row_that_is_not_utf8_in_a_file_that_is_harms_only_itself(tmp_path: Path) -> None:
    content = "account,at,minutes\nMüller,2026-01-01,1\n".encode() + b"M\xfcller,2026-01-01,1\nacme,2026-01-01,1\n"
    found = import_case(tmp_path, content)
    assert found.values("account") == ["Müller", "acme"]
    assert found.codes() == [(3, "not_utf8")]
    assert found.rejects[0]["row_base64"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.csv", b"", "empty"),
        ("x.parquet", b"", "empty"),
        ("x.jsonl", b"", "empty"),
        ("x.parquet", b"not parquet", "Parquet"),
        ("x.csv.gz", gzip.compress(CSV.encode() * 500)[:-20], "damaged"),
        ("x.csv", "a,b".encode("utf-16"), "UTF-16"),
        ("x.xlsx", b"PK", "endings"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(UserError, match=words):
        import_case(tmp_path, content, name=name)


def test_a_file_without_a_header_takes_the_names_of_the_map(tmp_path: Path) -> None:
    text = PLAIN_MAP + "csv: {header: false}\ncolumns: [account, at, minutes]\n"
    assert import_case(tmp_path, "acme,2026-01-01,1\n", text).values("account") == ["acme"]


def test_a_dotted_column_reaches_into_a_json_object(tmp_path: Path) -> None:
    text = PLAIN_MAP.replace("account: account", "account: who.id")
    found = import_case(tmp_path, '{"who": {"id": 12}, "at": "2026-01-01", "minutes": null}\n', text, name="x.jsonl")
    assert found.values("account") == ["12"]
    assert found.props() == [None]
