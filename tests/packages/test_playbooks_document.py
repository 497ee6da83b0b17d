"""`docs/playbooks.md`: its example is a playbook that can be read and holds, and it names every kind."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from keepwell.base.registry import kinds
from keepwell.health.package import PackageText
from keepwell.jobs.package import read_folder
from keepwell.jobs.playbook_case import try_playbook_cases
from keepwell.playbooks.check import inspect_with_playbooks
from keepwell.playbooks.checks.own_names import RESERVED
from keepwell.playbooks.only import FOLDER as GATES
from keepwell.playbooks.only import Gate
from keepwell.playbooks.playbook import Playbook
from keepwell.playbooks.step import FOLDER as STEPS
from keepwell.playbooks.step import Step
from tests.packages.shipped import SHIPPED
from tests.packages.test_every_playbook import book

TEXT = (Path(__file__).parents[2] / "docs" / "playbooks.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", TEXT, re.DOTALL))
FIELDS = {field.alias or name for shape in (Playbook, Step) for name, field in shape.model_fields.items()} - {"kind"}


def package() -> PackageText:
    """The package `saas` with the example in place of its own playbooks."""
    text = read_folder(Path(str(files("keepwell") / "models" / "saas")), "docs")
    own = {name: content for name, content in text.files.items() if not name.startswith("playbooks/")}
    return PackageText("docs", {**own, "playbooks/quiet.yaml": EXAMPLES["playbooks/quiet.yaml"]})


def test_the_example_can_be_read_and_makes_sense() -> None:
    found = inspect_with_playbooks(package(), {})
    assert [str(issue) for issue in found if issue.level == "error" or "playbooks/" in issue.file] == []


def test_its_case_comes_out_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "playbook_cases").mkdir()
    (tmp_path / "playbook_cases" / "quiet.yaml").write_text(EXAMPLES["playbook_cases/quiet.yaml"], encoding="utf-8")
    (file,) = try_playbook_cases(package(), {}, tmp_path)
    assert (file.cases, [str(problem) for problem in file.problems]) == (1, [])


@pytest.mark.parametrize("name", [*kinds(STEPS, Step), *kinds(GATES, Gate), *RESERVED, *sorted(FIELDS)])
def test_every_kind_key_and_reason_is_named(name: str) -> None:
    assert f"`{name}`" in TEXT


def step_cell(step: Step) -> str:
    """`day 3 at 09:00` message worth_it, with what it asks about the enrolment and the path it is on."""
    gates = [gate.kind for gate in step.only_if.gates] if step.only_if else []
    asked = [
        *gates,
        *(["condition"] if step.only_if and step.only_if.when else []),
        *([f"path {step.path}"] * bool(step.path)),
    ]
    return f"`{step.after.words}` {step.kind} {step.id}" + (f" ({', '.join(asked)})" if asked else "")


def row(name: str, playbook: Playbook) -> str:
    ends = [*(["goal"] * (playbook.goal is not None)), *playbook.exits, *(["signal over"] * playbook.while_open)]
    cells = (
        f"`{name}`",
        ", ".join(f"`{signal}`" for signal in playbook.starts_on),
        "; ".join(map(step_cell, playbook.steps)),
        ", ".join(ends),
    )
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("shipped", SHIPPED)
def test_the_table_of_a_package_shows_each_playbook_as_its_file_says(shipped: str) -> None:
    written = TEXT.split(f"\n### {shipped}\n", 1)[1].split("\n#", 1)[0]
    rows = [line for line in written.splitlines() if line.startswith("| `")]
    assert rows == [row(name, playbook) for name, playbook in sorted(book(shipped).playbooks.items())]
