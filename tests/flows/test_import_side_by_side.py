"""Two `keepwell import` at the same time: nothing lost, nothing twice, and both say what they did."""

import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import duckdb

from keepwell.base.home import Home
from keepwell.connectors.report import ImportReport, Written
from keepwell.lake.log import EventLog
from tests.web.serving import environment, keepwell

MAP = """\
source: app
account: account
message_id: id
events:
  - {name: feature_used, time: at, properties: {feature: what}}
"""
# The command, which says in a file that it waits for the other to seal or has compared its rows with the log; then it
# holds until a line comes in. A wait may also be for a lock that the other has for a moment at its start.
WATCHED = """
import fcntl
import os
import pathlib
import sys
from keepwell.cli.main import run
from keepwell.lake.log import EventLog
flock, append = fcntl.flock, EventLog.append
stage = pathlib.Path(os.environ["STAGE"])
def told_flock(file, operation):
    try:
        flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        if file.name.endswith(".sealing.lock"):
            stage.write_text("waiting")
        flock(file, operation)
def held_append(log, rows, **more):
    stage.write_text("compared")
    sys.stdin.readline()
    return append(log, rows, **more)
fcntl.flock, EventLog.append = told_flock, held_append
run()
"""
ONE_HOLDS = (["compared", "waiting"], ["waiting", "compared"])
LEFT, RIGHT, SHARED = range(20_000), range(10_000, 30_000), range(10_000, 20_000)
CONFLICTING = range(10_000, 10_100)
REJECTED = {"left": 50, "right": 30}


def write_file(path: Path, ids: Iterable[int], told: str) -> Path:
    rows = [f"acme-{number % 700},{number},2026-01-01,{told if number in CONFLICTING else 'x'}" for number in ids]
    rows += [f"acme,broken-{number},never,x" for number in range(REJECTED[path.stem])]
    path.write_text("\n".join(["account,id,at,what", *rows]), encoding="utf-8")
    return path


def import_together(home: Path, files: Sequence[Path], map_file: Path) -> list[Written]:
    stages = [file.with_suffix(".stage") for file in files]
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WATCHED, "import", str(file), "--map", str(map_file), "--json"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=environment(home, STAGE=str(stage)),
                )
            )
            for file, stage in zip(files, stages, strict=True)
        ]
        while (told := [stage.read_text() for stage in stages if stage.exists()]) not in ONE_HOLDS:
            assert told != ["compared", "compared"]
            assert all(process.poll() is None for process in running)
            time.sleep(0.02)
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        ends = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], [errors for _, errors in ends]
    written = [ImportReport.model_validate_json(report).written for report, _ in ends]
    return [one for one in written if one is not None]


def test_two_imports_side_by_side_count_each_event_once(tmp_path: Path) -> None:
    home, map_file = tmp_path / "home", tmp_path / "map.yaml"
    assert keepwell(home, "init", "--email", "you@example.com").returncode == 0
    map_file.write_text(MAP, encoding="utf-8")
    files = [write_file(tmp_path / "left.csv", LEFT, "left"), write_file(tmp_path / "right.csv", RIGHT, "right")]
    left, right = import_together(home, files, map_file)

    for one, ids, rejected in ((left, LEFT, REJECTED["left"]), (right, RIGHT, REJECTED["right"])):
        assert one.received == len(ids) + rejected
        assert one.received == one.accepted + one.duplicate + one.conflict + one.rejected
        assert one.rejected == rejected
    assert left.accepted + right.accepted == len({*LEFT, *RIGHT})
    assert left.conflict + right.conflict == len(CONFLICTING)
    assert left.duplicate + right.duplicate == len(SHARED) - len(CONFLICTING)

    paths = [file.path for file in EventLog(Home(home).log).files()]
    with duckdb.connect() as database:
        logged = database.sql(f"SELECT message_id FROM read_parquet({paths})").fetchall()
    assert sorted(int(message_id) for (message_id,) in logged) == sorted({*LEFT, *RIGHT})
