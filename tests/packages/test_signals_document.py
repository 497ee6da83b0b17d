"""`docs/signals.md`: its examples are rules that can be read and hold, and it names every kind."""

import re
from pathlib import Path

import pytest

from keepwell.base.registry import kinds
from keepwell.health.package import PackageText
from keepwell.jobs.signal_case import try_cases
from keepwell.signals.check import inspect_whole
from keepwell.signals.condition import FOLDER, Condition
from keepwell.signals.worth import Worth
from tests.packages.shipped import text_of

TEXT = (Path(__file__).parents[2] / "docs" / "signals.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", TEXT, re.DOTALL))


def package() -> PackageText:
    """The package `saas` with the examples in place of its own signal rules."""
    files = {name: text for name, text in EXAMPLES.items() if "/" not in name}
    own = {name: text for name, text in text_of("saas").files.items() if f"`{name}`" not in TEXT}
    return PackageText("docs", {**own, **files})


def test_the_examples_can_be_read_and_make_sense() -> None:
    assert set(EXAMPLES) >= {"alerts.yaml", "opportunities.yaml", "milestones.yaml", "segments.yaml", "plans.yaml"}
    assert [str(issue) for issue in inspect_whole(package(), {}) if issue.level == "error"] == []


def test_the_cases_come_out_as_they_say(tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "health.yaml").write_text(EXAMPLES["cases/health.yaml"], encoding="utf-8")
    (file,) = try_cases(package(), {}, tmp_path)
    assert (file.cases, [str(problem) for problem in file.problems]) == (3, [])


def test_a_case_that_fails_says_where_and_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "health.yaml").write_text(
        "about: [entered_at_risk]\ncases:\n  - {case: Too high, was: healthy, score: 70, holds: entered_at_risk}\n",
        encoding="utf-8",
    )
    (file,) = try_cases(package(), {}, tmp_path)
    assert [str(problem) for problem in file.problems] == [
        "docs/cases/health.yaml:3: case 'Too high': expected that 'entered_at_risk' holds, but it does not hold."
    ]


@pytest.mark.parametrize("kind", [*kinds(FOLDER, Condition), *kinds("keepwell.signals.worths", Worth)])
def test_every_kind_is_named(kind: str) -> None:
    assert f"`{kind}`" in TEXT
