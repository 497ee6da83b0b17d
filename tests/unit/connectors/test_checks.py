"""Rows that contradict each other or another file are counted and shown; they are taken all the same."""

from pathlib import Path

import pytest

from keepwell.connectors.report import Finding
from tests.unit.connectors.import_case import PLAIN_MAP, import_case

HEADER = "account,at,minutes\n"


def finding(folder: Path, rows: str, check: str) -> Finding:
    found = import_case(folder, HEADER + rows, PLAIN_MAP + f"checks:\n  - {check}\n")
    assert found.report.taken == rows.count("\n")
    return found.report.findings[0]


def test_within(tmp_path: Path) -> None:
    (tmp_path / "terms.csv").write_text("a,start,end\n1,2026-01-01,2026-01-31\n2,2026-02-01,\n", encoding="utf-8")
    rows = "1,2026-01-01,1\n1,2026-01-31T23:00Z,1\n1,2026-02-01,1\n2,2026-05-01,1\n3,2026-01-01,1\n"
    check = (
        "{kind: within, id: x, title: Use outside its term, time: at, key: account, file: terms.csv,"
        " other_key: a, from: start, to: end}"
    )
    found = finding(tmp_path, rows, check)
    assert (found.judged, found.contradicting, found.share) == (5, 2, 0.4)
    assert [example.line for example in found.examples] == [4, 6]
    assert {case.words: case.count for case in found.cases} == {
        "at is outside start to end of its a": 1,
        "terms.csv has no row with this a": 1,
    }


def test_matches(tmp_path: Path) -> None:
    (tmp_path / "gone.csv").write_text("a\n1\n2\n", encoding="utf-8")
    check = (
        "{kind: matches, id: x, title: t, rows: {column: minutes, equals: '1'}, key: account, file: gone.csv, "
        "other_key: a}"
    )
    found = finding(tmp_path, "1,2026-01-01,1\n2,2026-01-01,0\n3,2026-01-01,1\n4,2026-01-01,0\n", check)
    assert (found.contradicting, [example.line for example in found.examples]) == (2, [3, 4])


@pytest.mark.parametrize(
    ("check", "rows", "lines"),
    [
        (
            "{kind: unique, id: x, title: t, columns: [account, at]}",
            "1,2026-01-01,1\n1,2026-01-01,2\n1,2026-01-02,1\n",
            [3],
        ),
        ("{kind: never, id: x, title: t, when: {column: minutes, above: 5}}", "1,2026-01-01,6\n1,2026-01-01,5\n", [2]),
    ],
)
def test_unique_and_never(tmp_path: Path, check: str, rows: str, lines: list[int]) -> None:
    assert [example.line for example in finding(tmp_path, rows, check).examples] == lines


def test_overlap(tmp_path: Path) -> None:
    text = """\
source: s
account: account
events: {name: signed_in, time: start}
checks: [{kind: overlap, id: x, title: t, key: account, from: start, to: end}]
"""
    content = "account,start,end\n1,2026-01-01,2026-02-01\n1,2026-02-01,\n1,2026-03-01,2026-04-01\n2,2026-01-01,\n"
    (found,) = import_case(tmp_path, content, text).report.findings
    assert [example.line for example in found.examples] == [4]


def test_a_check_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    check = (
        "{kind: matches, id: x, title: t, rows: {column: minutes, equals: '1'}, key: account, file: no.csv, "
        "other_key: a}"
    )
    found = finding(tmp_path, "1,2026-01-01,1\n", check)
    assert found.unchecked is not None
    assert "no.csv" in found.unchecked
