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
