"""Measures how long it takes from sending an event until the alert that follows from it can be read at the API.

python bench/live.py                          SQLite and PostgreSQL, a minute each, writes docs/figures.md
python bench/live.py --dry-run --seconds 20   a quick look that writes nothing

A real `keepwell serve` with its worker holds 10,000 accounts with a history of 1.6 million events. One thread sends
500 events a second over HTTP in batches of 50. One event of every fifth batch is a probe, a failed payment at an
account that has had none yet; another thread asks the API again and again for the alerts of the probes' accounts. The
clock of a probe starts when its request is sent, and stops when the alert is in an answer: sealed, scored, looked at.
"""

import argparse
import base64
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import mean, median
from typing import Any, Final
from urllib.parse import urlencode

from figures import heading, table, write_section

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
sys.path.insert(0, str(ROOT))
from keepwell.base.clock import SystemClock  # noqa: E402
from tests.postgresql import postgresql  # noqa: E402
from tests.web.serving import environment, start_server  # noqa: E402

ACCOUNTS: Final = 10_000
EVENTS_A_SECOND: Final = 500
EVENTS_A_BATCH: Final = 50
BATCHES_A_PROBE: Final = 5
ASKED_A_SECOND: Final = 25
WARM_S: Final = 15
# Lines of the worker's log, one every ten seconds.
WARM_TELLINGS: Final = 2
DRAIN_S: Final = 60
PATIENCE_S: Final = 60
WANTED: Final = {"p50": 2.0, "p99": 5.0}
NAMES: Final = ("feature_used", "signed_in", "session_ended", "docs_viewed")
TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Probe:
    """An event that is waited for: its account, when it was sent, and when it was taken by."""

    account: str
    sent_s: float


# Asks the API whether what follows from a probe is there.
Visible = Callable[[http.client.HTTPConnection, dict[str, str], Probe], bool]


@dataclass
class Load:
    """One thread that sends and one that asks; `waits_s` are the seconds that each probe took."""

    port: int
    home: dict[str, Any]
    is_visible: Visible
    seed: int = 7
    waits_s: list[float] = field(default_factory=list)
    sent: int = 0
    refused: int = 0
    behind_s: float = 0.0
    _waiting: list[Probe] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Any:
        threads = [threading.Thread(target=self._send), threading.Thread(target=self._ask)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _send(self) -> None:
        draw = random.Random(self.seed)
        mark = f"{os.urandom(4).hex()}"
        # A home that is kept has alerts of the last time, so the probes differ each time.
        probed = iter(random.SystemRandom().sample(self.home["accounts"], len(self.home["accounts"])))
        user = base64.b64encode(f"{self.home['sending']}:".encode()).decode()
        headers = {"Authorization": f"Basic {user}"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        begun, batch = time.monotonic(), 0
        while not self._stop.is_set():
            due = begun + batch * EVENTS_A_BATCH / EVENTS_A_SECOND
            self._stop.wait(max(0.0, due - time.monotonic()))
            self.behind_s = max(self.behind_s, time.monotonic() - due)
            accounts = [draw.choice(self.home["accounts"]) for _ in range(EVENTS_A_BATCH)]
            events = [event(f"{mark}-{batch}-{place}", told, draw) for place, told in enumerate(accounts)]
            is_probe = batch % BATCHES_A_PROBE == 0
            if is_probe:
                failing = next(probed)
                events[-1] = failed_payment(f"{mark}-{batch}-probe", failing)
            sent_s = time.monotonic()
            connection.request("POST", "/v1/batch", json.dumps({"batch": events}), headers)
            answer = connection.getresponse()
            answer.read()
            self.refused += answer.status != 200
            self.sent += len(events)
            if is_probe:
                self._waiting.append(Probe(failing[1], sent_s))
            batch += 1

    def _ask(self) -> None:
        keys = cycle([{"Authorization": f"Bearer {key}"} for key in self.home["reading"]])
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        over_s = None
        while over_s is None or (self._waiting and time.monotonic() < over_s):
            if over_s is None and self._stop.wait(1 / ASKED_A_SECOND):
                over_s = time.monotonic() + PATIENCE_S
            for probe in list(self._waiting):
                if self.is_visible(connection, next(keys), probe):
                    self.waits_s.append(time.monotonic() - probe.sent_s)
                    self._waiting.remove(probe)
                time.sleep(1 / ASKED_A_SECOND)
        self.waits_s += [PATIENCE_S for _ in self._waiting]


def event(message_id: str, told: Sequence[Any], draw: random.Random) -> dict[str, Any]:
    return {
        "type": "track",
        "event": draw.choice(NAMES),
        "messageId": message_id,
        "userId": told[2],
        "timestamp": SystemClock().now().isoformat(),
        "context": {"groupId": told[1], "library": {"name": "analytics-python", "version": "2.4.0"}},
        "properties": {
            "feature": f"feature_{draw.randrange(24)}",
            "session_minutes": 12.5,
            "core": draw.random() < 0.5,
        },
    }


def failed_payment(message_id: str, told: Sequence[Any]) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "payment_failed",
        "messageId": message_id,
        "timestamp": SystemClock().now().isoformat(),
        "context": {"groupId": told[1]},
        "userId": told[2],
        "properties": {"invoice": message_id, "amount": 490, "currency": "USD", "reason": "card_expired"},
    }


def alert_opened(connection: http.client.HTTPConnection, headers: dict[str, str], probe: Probe) -> bool:
    """Whether the API tells of the probe's alert."""
    asked = urlencode({"account": probe.account, "rule": "payment_failure"})
    connection.request("GET", f"/api/alerts?{asked}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"The API answered {answer.status}: {body[:300]!r}")
    return bool(json.loads(body)["total"])


def measure(name: str, folder: Path, database_url: str, asked: argparse.Namespace) -> list[list[str]]:
    more = {"KEEPWELL_INTAKE_REQUESTS_A_MINUTE": "10000000"}
    if database_url:
        more["DATABASE_URL"] = database_url
    told = folder / "told.json"
    home = folder / "home"
    if not told.exists():
        prepare = [sys.executable, str(HERE / "live_home.py"), str(asked.accounts)]
        done = subprocess.run(
            prepare, env=environment(home, **more), stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT
        )
        told.write_text(done.stdout, encoding="utf-8")
    known = json.loads(told.read_text(encoding="utf-8"))
    log = folder / "worker.log"
    # The worker says on its error stream what each turn took.
    with log.open("w", encoding="utf-8") as lines:
        kept = os.dup(2)
        os.dup2(lines.fileno(), 2)
        process, address = start_server(home, **more)
        os.dup2(kept, 2)
    try:
        load = Load(int(address.rpartition(":")[2]), known, alert_opened)
        with load.running():
            time.sleep(WARM_S)
            load.waits_s.clear()
            pids = {"server": process.pid, "worker": _child(process.pid)}
            before, begun = {who: _cpu_s(pid) for who, pid in pids.items()}, time.monotonic()
            sent = load.sent
            time.sleep(asked.seconds)
            took = time.monotonic() - begun
            busy = {who: (_cpu_s(pid) - before[who]) / took for who, pid in pids.items()}
            rate = (load.sent - sent) / took
        # What was touched last is still to be scored.
        time.sleep(DRAIN_S)
        before_idle = _cpu_s(pids["worker"])
        time.sleep(asked.idle)
        idle = (_cpu_s(pids["worker"]) - before_idle) / asked.idle
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)
        assert process.stdout is not None
        process.stdout.close()
    return _rows(name, load, rate, busy, idle, log.read_text(encoding="utf-8"))


def _rows(name: str, load: Load, rate: float, busy: dict[str, float], idle: float, told: str) -> list[list[str]]:
    waits = sorted(load.waits_s)
    p50, p99 = median(waits), waits[min(len(waits) - 1, int(len(waits) * 0.99))]
    parts = part_times(told)
    shown = ", ".join(f"{part} {seconds:.2f}" for part, seconds in parts.items())
    held = {"p50": "yes" if p50 < WANTED["p50"] else "NO", "p99": "yes" if p99 < WANTED["p99"] else "NO"}
    failures = f" ({load.refused} refused)" if load.refused else ""
    return [
        [name, "events/s", f"{rate:.0f}", "", ""],
        [
            name,
            f"seconds until the alert is seen, p50, of {len(waits)}",
            f"{p50:.2f}",
            f"< {WANTED['p50']:.0f}",
            held["p50"] + failures,
        ],
        [name, "seconds until the alert is seen, p99", f"{p99:.2f}", f"< {WANTED['p99']:.0f}", held["p99"]],
        [name, "seconds until the alert is seen, longest", f"{waits[-1]:.2f}", "", ""],
        [name, "seconds of a turn on average, and of its parts", shown, "", ""],
        [name, "share of a core, server and worker", f"{busy['server']:.2f}; {busy['worker']:.2f}", "", ""],
        [name, "share of a core, worker with nothing to do", f"{idle:.3f}", "< 0.02", "yes" if idle < 0.02 else "NO"],
    ]


def part_times(told: str) -> dict[str, float]:
    """Seconds of the parts of a turn, as the worker told; the warming up left out."""
    found: dict[str, list[float]] = defaultdict(list)
    for line in [line for line in told.splitlines() if " turns, of which " in line][WARM_TELLINGS:]:
        found["turn"].append(float(re.search(r"took ([\d.]+) s", line).group(1)))  # type: ignore[union-attr]
        for part, seconds in re.findall(r"(\w+) (\d+\.\d+)", line.rpartition("(")[2]):
            found[part].append(float(seconds))
    return {part: mean(seconds) for part, seconds in found.items()}


def _child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()[0])


def _cpu_s(pid: int) -> float:
    told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / TICK


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--idle", type=int, default=20, help="seconds of nothing to do")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--home", type=Path, help="folder with a prepared SQLite home, kept for the next time")
    parser.add_argument("--only", choices=["SQLite", "PostgreSQL"])
    parser.add_argument("--dry-run", action="store_true", help="print the table and write nothing")
    parser.add_argument("--on", default=time.strftime("%Y-%m-%d"), help="date of the section")
    asked = parser.parse_args()
    rows = [["database", "what", "measured", "wanted", "held"]]
    with tempfile.TemporaryDirectory() as folder:
        if asked.only != "PostgreSQL":
            rows += measure("SQLite", asked.home or Path(folder), "", asked)
    if asked.only != "SQLite":
        with postgresql() as server, tempfile.TemporaryDirectory() as folder:
            rows += measure("PostgreSQL", Path(folder), server.database("live"), asked)
    section = (
        f"{heading('live', asked.on)} {asked.accounts:,} accounts; sender, server, worker and database share the cores."
        f"\n\n{table(rows)}\n"
    )
    print(section)
    if not asked.dry_run:
        write_section(section)


if __name__ == "__main__":
    main()
