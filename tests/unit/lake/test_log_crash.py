"""A process killed while it seals or compacts leaves whole batches and a log that can be read."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from keepwell.lake.log import EventLog
from tests.contracts.log_world import random_arrivals, rows, write_log

ROOT = Path(__file__).parents[3]
ROWS = 40
# Keeps sealing, and compacting now and then, until it is killed.
SEALING = """
import sys
from pathlib import Path
import numpy as np
from keepwell.lake.log import EventLog
from tests.contracts.log_world import random_arrivals, rows
log = EventLog(Path(sys.argv[1]))
batch = rows(random_arrivals(np.random.default_rng(1), 5, int(sys.argv[2])))
while True:
    number = log.sealed("test") + 1
    log.append(batch, writer="test", number=number)
    print(number, flush=True)
    if number % 3 == 0:
        log.compact()
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_writer_leaves_whole_batches(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    log = write_log(tmp_path, [], settled=0)
    told = 0
    for _ in range(2):
        command = [sys.executable, "-c", SEALING, str(log.folder), str(ROWS)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            for _ in range(int(random.integers(2, 6))):
                told = int(process.stdout.readline())
            time.sleep(float(random.uniform(0, 0.05)))
            process.send_signal(signal.SIGKILL)
            told = max([told, *map(int, process.stdout.read().split())])
        # What was told to be sealed is there; the seal that was cut off is there in full or not at all.
        assert log.sealed("test") in (told, told + 1)
        assert sum(file.rows for file in log.files()) == log.sealed("test") * ROWS
        assert sum(len(pq.read_table(file.path)) for file in log.files()) == log.sealed("test") * ROWS
    batch = rows(random_arrivals(random, 5, ROWS))
    assert log.append(batch, writer="test", number=log.sealed("test") + 1)
    log.compact()
    assert sum(file.rows for file in log.files()) == log.sealed("test") * ROWS


def test_vacuum_takes_what_a_killed_process_left(tmp_path: Path) -> None:
    log = write_log(tmp_path, [random_arrivals(np.random.default_rng(1), 5, ROWS)], settled=1)
    live = {file.path for file in log.files()}
    left = Path(next(iter(live))).with_name("left.parquet")
    left.write_bytes(b"half a file")
    two_hours_ago = left.stat().st_mtime - 7200
    os.utime(left, (two_hours_ago, two_hours_ago))
    EventLog(log.folder).vacuum()
    assert not left.exists()
    assert all(Path(path).exists() for path in live)
