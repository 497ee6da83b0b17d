"""The cases of the shipped playbooks: this account, these events, these steps at these local times."""

from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from keepwell.jobs.package import read_folder
from keepwell.jobs.playbook_case import try_playbook_cases
from keepwell.jobs.signal_case import TriedFile
from tests.packages.shipped import SHIPPED

FOLDER = Path(str(files("keepwell") / "models"))
FILES = [path for package in SHIPPED for path in sorted((FOLDER / package / "playbook_cases").glob("*.yaml"))]


@cache
def tried(package: str) -> dict[str, TriedFile]:
    texts = {name: read_folder(FOLDER / name, f"models/{name}") for name in SHIPPED}
    return {file.name: file for file in try_playbook_cases(texts[package], texts, FOLDER / package)}


def shown_by(path: Path) -> list[pytest.MarkDecorator]:
    ids = yaml.safe_load(path.read_text(encoding="utf-8")).get("shows", [])
    return [pytest.mark.requirement(*ids)] if ids else []


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=f"{path.parts[-3]}-{path.stem}", marks=shown_by(path)) for path in FILES]
)
def test_every_case_comes_out_as_it_says(path: Path) -> None:
    file = tried(path.parts[-3])[path.name]
    assert file.cases == len(yaml.safe_load(path.read_text(encoding="utf-8"))["cases"]) > 0
    assert [str(problem) for problem in file.problems] == []


def test_every_shipped_playbook_has_cases_of_its_own() -> None:
    told = {yaml.safe_load(path.read_text(encoding="utf-8"))["playbook"] for path in FILES}
    assert told == {path.stem for package in SHIPPED for path in (FOLDER / package / "playbooks").glob("*.yaml")}


HINT = " Did you mean 'Europe/Berlin'?"
BAD = """\
playbook: at_risk
cases:
  - case: Wrong in everything
    starts: 2026-06-01 12:00
    zone: Europe/Berlin
    score: 55
    then: [{after: 3d, score: 70}]
    steps:
      - {at: 2026-06-02 10:00, step: value_mail}
      - {at: 2026-06-04 09:00, step: unused_parts}
    skipped: {success_story: no_response}
    ends: {at: 2026-06-04 12:00, because: completed}
  - {case: No such zone, starts: 2026-06-01 12:00, zone: Europe/Berlni}
"""


def test_a_case_that_fails_says_where_and_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "playbook_cases").mkdir()
    (tmp_path / "playbook_cases" / "bad.yaml").write_text(BAD, encoding="utf-8")
    text = read_folder(FOLDER / "saas", "models/saas")
    (file,) = try_playbook_cases(text, {}, tmp_path)
    place = "models/saas/playbook_cases/bad.yaml"
    wrong = f"{place}:3: case 'Wrong in everything':"
    assert [str(problem) for problem in file.problems] == [
        f"{wrong} did not come: 2026-06-02 10:00 value_mail.",
        f"{wrong} was not expected: 2026-06-02 09:00 value_mail.",
        f"{wrong} expected that 'success_story' is skipped for no_response, found goal_reached.",
        f"{wrong} expected the end 2026-06-04 12:00 completed, found 2026-06-04 12:00 goal_reached.",
        f"{place}:13: case 'No such zone': expected the name of a time zone such as Europe/Berlin or UTC.{HINT}",
    ]
