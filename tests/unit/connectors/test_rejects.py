"""A row that cannot be taken is told with its line and its reason, and harms no other."""

import json
from pathlib import Path

import pytest

from tests.unit.connectors.import_case import PLAIN_MAP, import_case

HEADER = "account,at,minutes\n"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (",2026-01-01,1", "account_missing"),
        ("  ,2026-01-01,1", "account_missing"),
        ("a,,1", "time_missing"),
        ("a,yesterday,1", "time_unreadable"),
        ("a,infinity,1", "time_unreadable"),
        ("a,2026-02-30,1", "time_unreadable"),
        ("a,01/02/2026,1", "time_unreadable"),
        ("a,1969-12-31,1", "time_out_of_range"),
        ("a,9999-12-31,1", "time_ahead"),
        ("a,2026-06-02T00:00:01Z,1", "time_ahead"),
        ("a,2026-01-01,many", "number_unreadable"),
        ("a,2026-01-01,NaN", "number_not_finite"),
        ("a,2026-01-01,-inf", "number_not_finite"),
        ("a,2026-01-01,1e400", "number_not_finite"),
        ('a,2026-01-01,"1,5"', "number_unreadable"),
        ("a,2026-01-01", "column_count"),
        ("a,2026-01-01,1,2", "column_count"),
        ('a,2026-01-01,"1', "quotes"),
        ('a,2026-01-01,"1"2', "quotes"),
        ("a\0b,2026-01-01,1", "nul"),
        ("a" * 513 + ",2026-01-01,1", "id_too_long"),
        ("a,2026-01-01," + "1" * 200_000, "too_long"),
    ],
)
def test_a_bad_row_is_kept_with_line_and_reason(tmp_path: Path, row: str, code: str) -> None:
    found = import_case(tmp_path, f"{HEADER}good,2026-01-01,1\n{row}\nlast,2026-06-01T23:59Z,1\n")
    assert found.values("account") == ["good", "last"]
    assert found.codes() == [(3, code)]
    assert str(found.rejects[0]["row"]).startswith(row[:50])
    (told,) = found.report.rejected
    assert (told.code, told.count, told.examples[0].line) == (code, 1, 3)
    assert told.sentence.endswith(".")


@pytest.mark.parametrize(
    "line",
    [
        '{"account": "a"',
        "[1]",
        "null",
        '{"account": "a", "at": "2026-01-01", "minutes": NaN}',
        '{"account": "a", "account": "b", "at": "2026-01-01"}',
        '{"a":' * 100_000,
    ],
)
def test_a_bad_json_line_is_rejected_alone(tmp_path: Path, line: str) -> None:
    good = '{"account": "acme", "at": "2026-01-01"}'
    found = import_case(tmp_path, f"{good}\n\n{line}\n{good}\n", name="x.jsonl")
    assert found.values("account") == ["acme", "acme"]
    assert found.codes() == [(3, "json_invalid")]


@pytest.mark.parametrize("value", ["1e400", "9" * 5000, '"\\u0000"', '"\\ud800"'])
def test_a_poison_value_of_json_is_rejected_alone(tmp_path: Path, value: str) -> None:
    good = '{"account": "acme", "at": "2026-01-01"}'
    bad = f'{{"account": "acme", "at": "2026-01-01", "minutes": {value}}}'
    found = import_case(tmp_path, f"{good}\n{bad}\n{good}\n", name="x.jsonl")
    assert len(found.events) == 2
    assert [line for line, _ in found.codes()] == [2]


def test_lines_are_physical_lines_also_after_quoted_line_breaks_and_blank_lines(tmp_path: Path) -> None:
    content = HEADER + 'a,2026-01-01,1\n"b\nc\r\nd",2026-01-01,1\n\n,2026-01-01,"x\ny"\ne,never,1\n'
    found = import_case(tmp_path, content)
    assert found.values("account") == ["a", "b\nc\r\nd"]
    assert found.codes() == [(7, "account_missing"), (9, "time_unreadable")]
    assert found.rejects[0]["row"] == ',2026-01-01,"x\ny"'


def test_a_quote_that_is_never_closed_does_not_swallow_the_rows_after_it(tmp_path: Path) -> None:
    rows = [f"a{number},2026-01-01,1" for number in range(20_000)]
    rows[5] = 'a5,2026-01-01,"1'
    found = import_case(tmp_path, HEADER + "\n".join(rows))
    assert len(found.events) == 19_999
    assert found.codes() == [(7, "quotes")]


def test_a_text_longer_than_8_kb_is_rejected(tmp_path: Path) -> None:
    text = PLAIN_MAP.replace("{minutes: minutes}", "{feature: minutes}")
    found = import_case(tmp_path, f"{HEADER}a,2026-01-01,{'é' * 4097}\na,2026-01-01,{'é' * 4096}\n", text)
    assert found.codes() == [(2, "too_long")]


def test_ids_that_look_alike_are_different_accounts(tmp_path: Path) -> None:
    names = ["é", "e\u0301", "a\u200bb", "ab", "I", "ı", "i", "👩\u200d💻", "\u202eab", " x", "x"]
    rows = "".join(f"{name},2026-01-01,1\n" for name in names)
    assert import_case(tmp_path, HEADER + rows).values("account") == names


def test_counts_add_up(tmp_path: Path) -> None:
    found = import_case(tmp_path, HEADER + "a,2026-01-01,1\n,2026-01-01,1\nx\na,2026-01-01,1\n")
    assert found.report.rows.read == 4
    assert found.report.taken + sum(reject.count for reject in found.report.rejected) == 4
    assert json.loads(found.report.model_dump_json())["rows"]["unreadable"] == 1
