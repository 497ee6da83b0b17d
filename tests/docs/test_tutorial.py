"""The tutorial does what it says: its commands are run, and their output is the one printed there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepwell.base.registry import kinds
from keepwell.connectors.checks.check import Check
from keepwell.connectors.condition import Condition, ListedIn
from keepwell.connectors.import_map import (
    CsvDialect,
    EventFrom,
    ImportMap,
    NameFrom,
    NumberStyle,
    PropertyFrom,
    TextFrom,
    TimeFrom,
)
from keepwell.connectors.reasons import REASONS

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```sh\n(?P<command>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?", re.MULTILINE | re.DOTALL)
SHAPES = (
    ImportMap, EventFrom, NameFrom, TextFrom, TimeFrom, PropertyFrom, CsvDialect, NumberStyle, Condition, ListedIn,
)  # fmt: skip


def steps(name: str) -> Iterator[tuple[str, str]]:
    for found in BLOCK.finditer((DOCS / name).read_text(encoding="utf-8")):
        yield found["command"], found["output"] or ""


def matches(expected: str, printed: str) -> bool:
    """Whether it is the same text; … stands for anything inside a line."""
    return re.fullmatch(re.escape(expected.rstrip()).replace("…", "[^\n]*"), printed.rstrip()) is not None


def test_the_tutorial_runs_and_prints_what_it_says(tmp_path: Path) -> None:
    bin_folder = str(Path(sys.executable).parent)
    environment = {
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "COLUMNS": "100",
        "LC_ALL": "C.UTF-8",
        "HOME": str(tmp_path),
    }
    before = ""
    for command, expected in steps("tutorial.md"):
        done = subprocess.run(
            ["bash", "-e", "-c", before + command],
            cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        assert matches(expected, done.stdout), f"{command}\nexpected:\n{expected}\nprinted:\n{done.stdout}"
        before += "".join(line + "\n" for line in command.splitlines() if line.startswith("export "))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_key_of_a_map_is_described(shape: type) -> None:
    text = (DOCS / "import-maps.md").read_text(encoding="utf-8")
    fields = getattr(shape, "model_fields")  # noqa: B009
    missing = [name for name, field in fields.items() if not re.search(rf"[`{{ ]{field.alias or name}[`:,}}]", text)]
    assert missing == []


def test_every_check_and_every_reason_is_described() -> None:
    text = (DOCS / "import-maps.md").read_text(encoding="utf-8")
    for name, check in kinds("keepwell.connectors.checks.kinds", Check).items():
        assert f"| `{name}` |" in text
        own = set(check.model_fields) - set(Check.model_fields) - {"kind"}
        assert [field for field in own if f"`{field.rstrip('_')}`" not in text] == []
    for code, sentence in REASONS.items():
        assert f"| `{code}` | {sentence[0].upper()}{sentence[1:]} |" in text
