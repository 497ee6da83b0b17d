"""What runs is what was tested: pinned, hashed, and the same versions for running and for testing."""

import re
from pathlib import Path

import pytest

from tests.house.repository import ROOT

LOCK = ROOT / "requirements" / "lock.txt"
DEV = ROOT / "requirements" / "dev.txt"


def pins(text: str) -> set[str]:
    """`name==version ; marker` of every entry."""
    return {line.rstrip(" \\") for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))}


def entries(text: str) -> list[str]:
    return [entry for entry in re.split(r"\n(?=\S)", text.strip()) if entry]


@pytest.mark.parametrize("path", [LOCK, DEV], ids=["lock", "dev"])
def test_every_entry_is_pinned_and_hashed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    loose = [entry for entry in entries(text) if "==" not in entry.splitlines()[0] or "--hash=sha256:" not in entry]
    assert loose == []
    assert "#" not in text


def test_tests_run_on_the_versions_that_users_get() -> None:
    assert pins(LOCK.read_text(encoding="utf-8")) - pins(DEV.read_text(encoding="utf-8")) == set()
