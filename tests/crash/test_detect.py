"""A worker that is killed while it writes signals down: each is there once after the next start."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.web.serving import environment

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def detector(home: Path, *words: str, crash_at: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.crash.detector", *words]
    found, root = environment(home, KEEPWELL_CRASH_AT=crash_at), Path(__file__).parents[2]
    return subprocess.run(command, env=found, cwd=root, check=False, capture_output=True, text=True)


def told(done: "subprocess.CompletedProcess[str]") -> list[list[str]]:
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout)
    return found


def test_an_alert_is_there_once_after_a_kill_in_the_middle_of_detection(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert told(detector(home, "prepare")) == []
    moments = [(NOW + minutes * timedelta(minutes=1)).isoformat() for minutes in range(1, 5)]
    for moment in moments[:2]:
        assert detector(home, "turn", moment, crash_at="detect: written").returncode == -signal.SIGKILL
        assert told(detector(home, "turn")) == []
    for moment in moments[2:]:
        assert told(detector(home, "turn", moment)) == [["acme", "critical"], ["acme", "payment"]]
