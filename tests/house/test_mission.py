"""The count of requirements counts passing tests and nothing else."""

import json
from pathlib import Path

import pytest

from tests.mission import read_requirements, report_lines

REQUIREMENTS = """
| | id | Requirement | Class | Lines |
|---|---|---|---|---|
| [ ] | A001 | Weight | with a bar in it | CFG | 12-13 |
| [x] | A002 | Score | ENG | 14 |
| [ ] | B001 | Another | ENG | |
| X01 | A | Band edges | half open |
"""

TESTS = """
import pytest

@pytest.mark.requirement("A001")
def test_passes(): assert True

@pytest.mark.requirement("A001", "X01")
@pytest.mark.parametrize("n", [1, 2])
def test_passes_once(n): assert n == 1

@pytest.mark.requirement("A002")
def test_fails(): assert False

@pytest.mark.requirement("A002")
@pytest.mark.skip(reason="not today")
def test_is_skipped(): assert True

@pytest.mark.requirement("A002")
@pytest.mark.xfail
def test_is_expected_to_fail(): assert False

@pytest.fixture
def breaks_late():
    yield
    raise RuntimeError("tear-down")

@pytest.mark.requirement("A002")
def test_breaks_late(breaks_late): assert True

@pytest.mark.requirement("Z999")
def test_of_nothing(): assert True

def test_without_marker(): assert False
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    root = Path(__file__).parents[2]
    pytester.makeini(
        f"[pytest]\npythonpath = {root}\nmarkers = requirement(*ids): named\naddopts = -p no:django -p no:cacheprovider"
    )
    pytester.makeconftest('pytest_plugins = ["tests.mission"]')
    pytester.makepyfile(test_some=TESTS)
    requirements = pytester.path / "list.md"
    requirements.write_text(REQUIREMENTS, encoding="utf-8")
    monkeypatch.setenv("KEEPWELL_REQUIREMENTS", str(requirements))
    return pytester


def test_the_table_of_requirements_is_read() -> None:
    assert read_requirements(REQUIREMENTS) == {"A001": "CFG", "A002": "ENG", "B001": "ENG", "X01": "X"}


def test_the_report_names_what_is_shown_and_what_is_not() -> None:
    assert report_lines({"A001": "CFG", "A002": "ENG", "B001": "ENG"}, {"A002": ["t"]}) == [
        "CFG: 0 of 1 named by passing tests",
        "  not named: A001",
        "ENG: 1 of 2 named by passing tests",
        "  named:     A002",
        "  not named: B001",
        "All classes: 1 of 3",
    ]


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["here", "in a worker"])
def test_only_tests_that_pass_count(project: pytest.Pytester, workers: list[str]) -> None:
    result = project.runpytest_subprocess("--mission", *workers)
    written = json.loads((project.path / "build" / "mission.json").read_text(encoding="utf-8"))
    assert written == {
        "A001": ["test_some.py::test_passes", "test_some.py::test_passes_once[1]"],
        "X01": ["test_some.py::test_passes_once[1]"],
    }
    output = result.stdout.str()
    assert "ENG: 0 of 2 named by passing tests" in output
    assert "no requirement Z999 in list.md; mend the marker." in output
    assert "test_without_marker" not in output
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_missing_list_is_said_at_once(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_REQUIREMENTS", "nowhere.md")
    result = project.runpytest_subprocess("--mission")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "nowhere.md holds no requirements. Set KEEPWELL_REQUIREMENTS" in result.stderr.str()


def test_tests_run_without_the_list_too(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_REQUIREMENTS", "nowhere.md")
    result = project.runpytest_subprocess("-k", "test_passes")
    result.assert_outcomes(passed=2, failed=1)
    assert not (project.path / "build").exists()
