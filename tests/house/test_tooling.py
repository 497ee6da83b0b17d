"""What the verbs of the Makefile rest on: the browser, Java, Node.js, and the commands that they name."""

import re
from pathlib import Path

import pytest

from tests import chromium, java, node
from tests.house.repository import ROOT


def test_a_named_browser_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tmp_path / "chromium"
    browser.touch()
    monkeypatch.setenv("KEEPWELL_CHROMIUM", str(browser))
    assert chromium.chromium_path() == browser


def test_a_named_browser_that_is_not_there_stops_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEEPWELL_CHROMIUM", str(tmp_path / "nothing"))
    assert chromium.main() == 1
    assert "set KEEPWELL_CHROMIUM to the path of its executable" in capsys.readouterr().out
    with pytest.raises(FileNotFoundError, match="none was found"):
        chromium.chromium_path()


def fake_java(folder: Path, answer: str) -> None:
    (folder / "bin").mkdir()
    program = folder / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho '{answer}' >&2\n", encoding="utf-8")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("answer", "major", "is_enough"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17, True),
        ('openjdk version "21" 2023-09-19', 21, True),
        ('java version "1.8.0_402"', 1, False),
        ("no version at all", None, False),
    ],
)
def test_java_is_known_by_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, major: int | None, *, is_enough: bool
) -> None:
    fake_java(tmp_path, answer)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java.java_major() == major
    assert (java.missing_java() is None) is is_enough


@pytest.mark.parametrize(("required", "status"), [("1", 1), ("0", 0)])
def test_spark_tests_that_cannot_run_are_said_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    required: str,
    status: int,
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("KEEPWELL_REQUIRE_SPARK", required)
    assert java.main() == status
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(("required", "status"), [("1", 1), ("0", 0)])
def test_tests_with_clients_that_cannot_run_are_said_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    required: str,
    status: int,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("KEEPWELL_REQUIRE_CLIENTS", required)
    assert node.main() == status
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_the_documents_name_verbs_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"make ([a-z]+)\b", (ROOT / document).read_text(encoding="utf-8")))
        assert named <= targets, document


MARKED_TEST = "import pytest\n\n@pytest.mark.{}\ndef test_marked(): assert True\n\ndef test_other(): assert True\n"


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        ("spark", "Spark needs Java 17 or newer and none was found."),
        ("clients", "the clients of npm need Node.js 20 or newer with npm, and none was found."),
    ],
)
@pytest.mark.parametrize(
    ("required", "outcome"), [("0", {"passed": 1, "skipped": 1}), ("1", {"passed": 1, "errors": 1})]
)
def test_tests_that_lack_what_they_need_are_skipped_aloud_or_fail(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    marker: str,
    sentence: str,
    required: str,
    outcome: dict[str, int],
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(pytester.path))
    monkeypatch.setenv("PATH", str(pytester.path))
    monkeypatch.setenv(f"KEEPWELL_REQUIRE_{marker.upper()}", required)
    pytester.makeini(f"[pytest]\npythonpath = {ROOT}\nmarkers = {marker}: needs more\naddopts = -ra -p no:django")
    pytester.makeconftest("from tests.conftest import pytest_collection_modifyitems, pytest_runtest_setup")
    pytester.makepyfile(test_some=MARKED_TEST.format(marker))
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(**outcome)
    assert sentence in result.stdout.str()
