"""Opt-outs while a sender is between asking and claiming; in PostgreSQL, where writers run side by side."""

import json
import subprocess
import sys
from pathlib import Path

from tests.postgresql import postgresql
from tests.web.serving import environment, keepwell

ROOT = Path(__file__).parents[2]


def test_nothing_is_handed_over_after_the_confirmation(tmp_path: Path) -> None:
    with postgresql() as database:
        counts = raced(tmp_path / "home", database.database("race"))
    assert counts == {"handed over": 5, "confirmed": 5, "refused": 5}


def raced(home: Path, url: str) -> dict[str, int]:
    made = keepwell(home, "init", "--email", "ops@keepwell.example", DATABASE_URL=url)
    assert made.returncode == 0, made.stderr
    done = subprocess.run(
        [sys.executable, "-m", "tests.jobs.opt_out_race", "5"],
        env=environment(home, DATABASE_URL=url), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout)
    return found
