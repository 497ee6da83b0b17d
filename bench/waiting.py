"""100,000 enrolments that wait, and 5,000 steps that fall due within a minute, by the real worker and a mail server.

python bench/waiting.py
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from bench.figures import heading, table, write_section  # noqa: E402
from tests.channels.peers import served  # noqa: E402
from tests.crash.outbox_harness import Ledger  # noqa: E402
from tests.postgresql import postgresql  # noqa: E402
from tests.web.serving import environment  # noqa: E402

TICK: Final = os.sysconf("SC_CLK_TCK")
MINUTE_S: Final = 60.0
# The first turns of a worker look around.
WARM_S: Final = 15.0
PATIENCE_S: Final = 240.0
LATE_S: Final = 60.0
IDLE_SHARE: Final = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--playbooks", type=int, default=10, help="that each account is in")
    parser.add_argument("--steps", type=int, default=5_000)
    parser.add_argument("--idle", type=float, default=40, help="seconds of nothing to do")
    parser.add_argument("--only", choices=["SQLite", "PostgreSQL"])
    parser.add_argument("--dry-run", action="store_true", help="print the table and write nothing")
    parser.add_argument("--on", default=time.strftime("%Y-%m-%d"), help="date of the section")
    asked = parser.parse_args()
    rows = [["database", "what", "measured", "wanted", "held"]]
    if asked.only != "PostgreSQL":
        with tempfile.TemporaryDirectory() as folder:
            rows += measure("SQLite", Path(folder), {}, asked)
    if asked.only != "SQLite":
        with postgresql() as server, tempfile.TemporaryDirectory() as folder:
            rows += measure("PostgreSQL", Path(folder), {"DATABASE_URL": server.database("waiting")}, asked)
    waiting = asked.accounts * asked.playbooks
    section = (
        f"{heading('waiting', asked.on)} {asked.accounts:,} accounts, {waiting:,} open enrolments; {asked.steps:,} "
        f"steps fall due within {MINUTE_S:.0f} s, each a message.\n\n{table(rows)}\n"
    )
    print(section)
    if not asked.dry_run:
        write_section(section)


def measure(name: str, folder: Path, more: Mapping[str, str], asked: argparse.Namespace) -> list[list[str]]:
    with served(Ledger()) as ledger:
        mail = {
            "KEEPWELL_MAIL_HOST": "127.0.0.1",
            "KEEPWELL_MAIL_PORT": str(ledger.port),
            "KEEPWELL_MAIL_SECURITY": "none",
            "KEEPWELL_MAIL_SENDER": "hello@ours.example",
            "KEEPWELL_PUBLIC_URL": "https://keepwell.example",
        }
        found = environment(folder / "home", **mail, **more)
        run(found, "prepare", asked.accounts, asked.playbooks)
        worker = subprocess.Popen([sys.executable, "-m", "keepwell.cli.main", "worker"], env=found, cwd=ROOT)
        try:
            time.sleep(WARM_S)
            before = cpu_s(worker.pid)
            time.sleep(asked.idle)
            idle = (cpu_s(worker.pid) - before) / asked.idle
            threads = len(list(Path(f"/proc/{worker.pid}/task").iterdir()))
            run(found, "due", asked.steps, MINUTE_S)
            deadline = time.monotonic() + MINUTE_S + PATIENCE_S
            while len(ledger.arrived) < asked.steps and time.monotonic() < deadline:
                time.sleep(1)
            time.sleep(3)
        finally:
            worker.send_signal(signal.SIGINT)
            worker.wait(60)
        told = json.loads(run(found, "tell"))
    twice = len(ledger.arrived) - len({message for message, _, _ in ledger.arrived})
    return [
        [name, "share of a core, worker with nothing due", f"{idle:.3f}", f"< {IDLE_SHARE}", held(idle < IDLE_SHARE)],
        [name, "threads of the worker", str(threads), "", ""],
        *lateness(name, "s from due to begun", told["begun"], asked.steps),
        *lateness(name, "s from due to taken by the mail server", told["handed"], asked.steps),
        [name, "messages sent twice", str(twice), "0", held(twice == 0)],
    ]


def lateness(name: str, what: str, seconds: list[float], wanted: int) -> list[list[str]]:
    p50, p99 = (float(one) for one in np.percentile(seconds or [np.inf], [50, 99]))
    is_held = p99 < LATE_S and len(seconds) == wanted
    return [
        [name, f"{what}, p50 of {len(seconds):,}", f"{p50:.1f}", "", ""],
        [name, f"{what}, p99 of {len(seconds):,}", f"{p99:.1f}", f"< {LATE_S:.0f}", held(is_held)],
    ]


def held(is_so: bool) -> str:
    return "yes" if is_so else "NO"


def run(found: Mapping[str, str], *words: object) -> str:
    command = [sys.executable, str(HERE / "waiting_home.py"), *map(str, words)]
    path = os.pathsep.join(filter(None, (str(ROOT), found.get("PYTHONPATH", ""))))
    done = subprocess.run(
        command, env={**found, "PYTHONPATH": path}, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def cpu_s(pid: int) -> float:
    told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / TICK


if __name__ == "__main__":
    main()
