"""The cases that each shipped package carries, run by the real engine on a real log; a file names what it shows."""

from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from keepwell.jobs.signal_case import TriedFile, try_cases
from tests.packages.shipped import SHIPPED, text_of

FOLDER = Path(str(files("keepwell") / "models"))
FILES = [path for package in SHIPPED for path in sorted((FOLDER / package / "cases").glob("*.yaml"))]


@cache
def tried(package: str) -> dict[str, TriedFile]:
    found = try_cases(text_of(package), {name: text_of(name) for name in SHIPPED}, FOLDER / package)
    return {file.name: file for file in found}


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
