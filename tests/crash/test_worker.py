"""A worker whose turn failed goes on, in the same process, once what was wrong is right again."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from keepwell.base.home import Home
from tests.web.serving import environment

PATIENCE_S = 120


def wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it has not come to pass"
        time.sleep(0.05)


@pytest.mark.requirement("A154")
def test_a_worker_outlives_a_turn_that_fails(tmp_path: Path) -> None:
    home, told = tmp_path / "home", tmp_path / "told"

    def run(*words: str) -> None:
        subprocess.run([sys.executable, "-m", *words], env=environment(home), check=True, capture_output=True)

    def scores() -> int:
        with closing(sqlite3.connect(Home(home).state)) as database:
            return int(database.execute("SELECT count(*) FROM store_currentscore").fetchone()[0])

    run("tests.crash.home", "prepare")
    run("tests.crash.workers", "feed", "3", "first")
    log, aside = Home(home).log, home / "aside"
    if log.exists():
        log.rename(aside)
    log.parent.mkdir(exist_ok=True)
    log.write_text("Not a folder of events.")
    command = [str(Path(sys.executable).parent / "keepwell"), "worker"]
    with told.open("w") as out, subprocess.Popen(command, env=environment(home), stdout=out, stderr=out) as worker:
        try:
            wait(lambda: "A turn failed" in told.read_text())
            assert (worker.poll(), scores()) == (None, 0)
            log.unlink()
            if aside.exists():
                aside.rename(log)
            wait(lambda: scores() == 3)
            assert worker.poll() is None
        finally:
            worker.kill()
