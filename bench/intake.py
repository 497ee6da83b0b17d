"""Measures the intake on this machine and writes the figures to docs/figures.md.

python bench/intake.py                        SQLite and PostgreSQL, five rounds
python bench/intake.py --rounds 1 --dry-run   a quick look that writes nothing

One server process is loaded over loopback by wrk with 64 connections. Three servers run in turn within a round:
`bare` answers and reads nothing, `reads` reads and checks every event and stores nothing, `keeps` is Keepwell. A ratio
is the median of the ratios of the rounds.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from figures import heading, table, write_section

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
sys.path.insert(0, str(ROOT))
from tests.postgresql import postgresql  # noqa: E402
from tests.web.serving import environment  # noqa: E402

SERVERS: Final = ("bare", "reads", "keeps")
SIZES: Final = (100, 1)
WANTED: Final = {("SQLite", 100): 0.40, ("PostgreSQL", 100): 0.60}
SECONDS: Final = 5
WARM_S: Final = 1
FLAT_EVENTS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """One load of one server: events a second, latencies in ms, memory in MB at its most, failed requests."""

    rate: float
    median_ms: float
    p99_ms: float
    memory_mb: float
    failures: int


class Bench:
    """A home on one database."""

    def __init__(self, folder: Path, database_url: str) -> None:
        more = {"KEEPWELL_INTAKE_REQUESTS_A_MINUTE": "10000000"}
        if database_url:
            more["DATABASE_URL"] = database_url
        self._environment = environment(folder / "home", **more)
        prepare = [sys.executable, "-m", "tests.crash.home", "prepare"]
        told = subprocess.run(prepare, env=self._environment, capture_output=True, text=True, check=True, cwd=ROOT)
        self._key = told.stdout.strip()

    def load(self, server: str, size: int, seconds: int = SECONDS) -> Run:
        with self._serving(server) as (port, pid):
            self._wrk(port, server, size, WARM_S)
            return self._result(self._wrk(port, server, size, seconds), size, _memory(pid))

    def flat(self) -> tuple[float, float, int]:
        """Memory in MB after the first tenth of FLAT_EVENTS and after all of them, and how many there were."""
        with self._serving("keeps") as (port, pid):
            sent = 0
            first = 0.0
            while sent < FLAT_EVENTS:
                sent += int(_told(self._wrk(port, "keeps", 100, SECONDS))[0]) * 100
                first = first or _memory(pid)
            return first, _memory(pid), sent

    @contextmanager
    def _serving(self, server: str) -> Iterator[tuple[int, int]]:
        command = [sys.executable, str(HERE / "intake_server.py"), server]
        process = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()

    def _wrk(self, port: int, server: str, size: int, seconds: int) -> str:
        mark = f"{server}{time.monotonic_ns()}"
        command = ["wrk", "-t1", "-c64", f"-d{seconds}s", "-s", str(HERE / "intake.lua"), f"http://127.0.0.1:{port}"]
        told = subprocess.run([*command, "--", str(size), self._key, mark], capture_output=True, text=True, check=True)
        return told.stdout

    def _result(self, told: str, size: int, memory: float) -> Run:
        requests, micros, middle, p99, refused, broken = _told(told)
        return Run(requests * size / micros * 1e6, middle / 1000, p99 / 1000, memory, refused + broken)


def measure(name: str, database_url: str, rounds: int) -> list[list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), database_url)
        rows = []
        for size in SIZES:
            runs: dict[str, list[Run]] = {server: [] for server in SERVERS}
            for _ in range(rounds):
                for server in SERVERS:
                    runs[server].append(bench.load(server, size))
            rows += [_row(name, size, server, runs) for server in SERVERS]
        first, last, sent = bench.flat()
        what = f"memory after {sent:,} events; after the first {SECONDS} s"
        rows.append([name, what, "", "", "", "", f"{last:.0f}; {first:.0f}", "", "", ""])
    return rows


def _row(name: str, size: int, server: str, runs: dict[str, list[Run]]) -> list[str]:
    own = runs[server]
    middle = {field: median(getattr(run, field) for run in own) for field in ("rate", "median_ms", "p99_ms")}
    ratio = median(run.rate / other.rate for run, other in zip(own, runs["reads"], strict=True))
    to_bare = median(run.rate / other.rate for run, other in zip(own, runs["bare"], strict=True))
    wanted = WANTED.get((name, size)) if server == "keeps" else None
    held = "" if wanted is None else ("yes" if ratio >= wanted else "NO")
    failures = sum(run.failures for run in own)
    return [
        name,
        f"{server}, {size} a request",
        f"{middle['rate']:,.0f}",
        f"{middle['median_ms']:.1f}",
        f"{middle['p99_ms']:.1f}",
        f"{to_bare:.2f}",
        f"{max(run.memory_mb for run in own):.0f}",
        f"{ratio:.2f}" if server == "keeps" else "",
        "" if wanted is None else f">= {wanted:.2f}",
        held + (f" ({failures} failed)" if failures else ""),
    ]


def _told(text: str) -> list[int]:
    line = next(line for line in text.splitlines() if line.startswith("RESULT"))
    return [int(word) for word in line.split()[1:]]


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dry-run", action="store_true", help="print the table and write nothing")
    parser.add_argument("--on", default=time.strftime("%Y-%m-%d"), help="date of the section")
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("The bench of the intake loads the server with wrk; install it (Debian: apt-get install wrk).")
    head = ["database", "server", "events/s", "p50 ms", "p99 ms", "x bare", "MB", "x reads", "wanted", "held"]
    rows = [head, *measure("SQLite", "", asked.rounds)]
    with postgresql() as server:
        rows += measure("PostgreSQL", server.database("bench"), asked.rounds)
    section = (
        f"{heading('intake', asked.on)} wrk, 64 connections, {SECONDS} s, {asked.rounds} rounds; client, server and "
        f"database share the cores.\n\n{table(rows)}\n"
    )
    print(section)
    if not asked.dry_run:
        write_section(section)


if __name__ == "__main__":
    main()
