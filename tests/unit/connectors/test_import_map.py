"""Everything that is wrong with a map is told at once, with its line and the nearest known name."""

from pathlib import Path

import pytest

from keepwell.base.errors import PackageError
from tests.unit.connectors.import_case import PLAIN_MAP, import_case

CONTENT = "account,at,minutes\na,2026-01-01,1\n"


def refusal(folder: Path, text: str) -> list[str]:
    with pytest.raises(PackageError) as caught:
        import_case(folder, CONTENT, text)
    return [f"{problem.line}: {problem.sentence}" for problem in caught.value.problems]


def test_all_wrong_names_are_told_at_once(tmp_path: Path) -> None:
    text = """\
source: app
acount: x
account: acount
events:
  - name: feature_usd
    time: att
    when: {column: minuts, above: 0}
  - name: feature_used
    time: at
    properties:
      minute: minutes
      core: {column: minutes, factr: 2}
      feature: {column: minutes, type: number}
"""
    found = refusal(tmp_path, text)
    expected = [
        "2: unknown key 'acount'. Did you mean 'account'?",
        "3: the file has no column 'acount'. Did you mean 'account'?",
        "5: no catalogue knows the event 'feature_usd'. Did you mean 'feature_used'?",
        "6: the file has no column 'att'. Did you mean 'at'?",
        "7: the file has no column 'minuts'. Did you mean 'minutes'?",
        "11: the event has no property 'minute'. Did you mean 'minutes'?",
        "12: unknown key 'factr'. Did you mean 'factor'?",
        "13: the property 'feature' is a text in the catalogue, not a number.",
    ]
    assert found == expected


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("source: app", "source: [app", "YAML"),
        ("source: app", "source: app\nsource: b", "twice"),
        ("source: app", "source: &a app", "write the value out"),
        ("source: app", "source: 1", "quotes"),
        ("account: account", "account: {column: account, constant: x}", "exactly one"),
        ("account: account\n", "", "'account' is missing"),
        ("time: at", "time: {column: at, zone: Europe/Berlim}", "Did you mean 'Europe/Berlin'"),
        ("time: at", "time: {column: at, formats: [isoo]}", "not a format"),
        ("time: at", "time: {column: at, formats: ['%Q']}", "not a pattern"),
        ("time: at", "time: {column: at, date_at: '25:00'}", "not a time of day"),
        ("{minutes: minutes}", "{minutes: {column: minutes, divide_by: 0}}", "divide_by"),
        ("{minutes: minutes}", "{minutes: {column: minutes, factor: .nan}}", "number"),
        ("{minutes: minutes}", "{minutes: {constant: five}}", "not a number"),
        ("{minutes: minutes}", "{other: {column: minutes, undeclared: true}}", "needs a type"),
        ("time: at", "time: at\n    when: {column: at, above: 1, below: 2}", "exactly one test"),
        ("time: at", "time: at\n    known_after: 1 day", "period"),
        ("source: app", "source: app\nchecks: [{kind: nevr, id: x, title: t}]", "Did you mean 'never'"),
    ],
)
def test_a_wrong_map_is_refused_with_the_reason(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert any(words in sentence for sentence in refusal(tmp_path, PLAIN_MAP.replace(old, new)))


def test_a_text_of_a_map_never_becomes_sql(tmp_path: Path) -> None:
    text = PLAIN_MAP.replace("source: app", 'source: "a\'); DROP TABLE taken; --$x"') + (
        'nulls: ["\'); DROP TABLE taken; --", "${source}"]\n'
    )
    found = import_case(tmp_path, CONTENT, text)
    assert found.values("source") == ["a'); DROP TABLE taken; --$x"]
