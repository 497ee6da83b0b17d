"""Measures how long it takes from sending an event until what follows from it can be read at the API.

python bench/live.py                          SQLite and PostgreSQL, two minutes each, writes docs/figures.md
python bench/live.py --dry-run --seconds 20   a quick look that writes nothing

A real `keepwell serve` with its worker holds 10,000 accounts with a history of 1.6 million events. One thread sends
500 events a second over HTTP in batches of 50. Some events are probes: a failed payment at an account that has had none
yet, and an overdue invoice or plain use at an account of which nothing else is told. Further threads ask the API again
and again for the alert of the first and the new scores of the others. The clock of a probe starts when its request is
sent, and stops when what it waits for is in an answer: sealed, scored, looked at.
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
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
# What is waited for, and the event that brings it; in which batches of a round.
ALERT, SCORE, PLAIN = (
    "the alert of a failed payment",
    "the new score after an overdue invoice",
    "the one after plain use",
)
PROBES: Final[dict[str, tuple[str, dict[str, object]] | None]] = {
    ALERT: ("payment_failed", {"amount": 490, "currency": "USD", "reason": "card_expired"}),
    SCORE: ("invoice_overdue", {"amount": 490, "currency": "USD"}),
    PLAIN: None,
}
IN_BATCH: Final = {0: ALERT, 5: ALERT, 2: SCORE, 7: SCORE, 9: PLAIN}
BATCHES_A_ROUND: Final = 10
# So many accounts have no other events than their probe.
QUIET: Final = 600
# How often a reader asks; one answer tells of all alerts, and of one score. Plain use is only told of.
ASKED_A_SECOND: Final = {ALERT: 5, SCORE: 12, PLAIN: 3}
ALERTS_READ: Final = 60
WARM_S: Final = 15
# Lines of the worker's log, one every ten seconds.
WARM_TELLINGS: Final = 2
DRAIN_S: Final = 60
PATIENCE_S: Final = 60
WANTED: Final = {"p50": 2.0, "p99": 5.0}
NAMES: Final = ("feature_used", "signed_in", "session_ended", "docs_viewed")
TICK: Final = os.sysconf("SC_CLK_TCK")


class UnexpectedAnswerError(Exception):
    """The API does not say what was asked for."""


@dataclass(frozen=True, slots=True)
class Probe:
    """An event that something is to follow from: its account, and when it was sent by two clocks."""

    account: Sequence[Any]
    sent_s: float
    sent_at: datetime


@dataclass
class Load:
    """A thread that sends, and for each thing that follows one that asks; `waits_s` are the seconds that it took."""

    port: int
    home: dict[str, Any]
    seed: int = 7
    waits_s: dict[str, list[float]] = field(default_factory=lambda: {what: [] for what in PROBES})
    sent: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)
    behind_s: float = 0.0
    _waiting: dict[str, list[Probe]] = field(default_factory=lambda: {what: [] for what in PROBES})
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Any:
        asking = [threading.Thread(target=self._ask, args=(what,)) for what in PROBES]
        threads = [threading.Thread(target=self._send), *asking]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        if self.wrong:
            raise SystemExit(self.wrong[0])

    def forget(self) -> None:
        for waits in self.waits_s.values():
            waits.clear()

    def _send(self) -> None:
        draw = random.Random(self.seed)
        mark = f"{os.urandom(4).hex()}"
        # A home that is kept has alerts of the last time, so the probes differ each time.
        mixed = random.SystemRandom().sample(self.home["accounts"], len(self.home["accounts"]))
        quiet, others = mixed[:QUIET], mixed[QUIET:]
        probed = {ALERT: iter(others), SCORE: iter(quiet[::2]), PLAIN: iter(quiet[1::2])}
        user = base64.b64encode(f"{self.home['sending']}:".encode()).decode()
        headers = {"Authorization": f"Basic {user}"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        begun, batch = time.monotonic(), 0
        while not self._stop.is_set():
            due = begun + batch * EVENTS_A_BATCH / EVENTS_A_SECOND
            self._stop.wait(max(0.0, due - time.monotonic()))
            self.behind_s = max(self.behind_s, time.monotonic() - due)
            accounts = [draw.choice(others) for _ in range(EVENTS_A_BATCH)]
            events = [event(f"{mark}-{batch}-{place}", told, draw) for place, told in enumerate(accounts)]
            what = IN_BATCH.get(batch % BATCHES_A_ROUND)
            account = next(probed[what]) if what else None
            if what and account:
                events[-1] = event(f"{mark}-{batch}-probe", account, draw, PROBES[what])
            sent_s, sent_at = time.monotonic(), SystemClock().now()
            connection.request("POST", "/v1/batch", json.dumps({"batch": events}), headers)
            answer = connection.getresponse()
            answer.read()
            self.refused += answer.status != 200
            self.sent += len(events)
            if what and account:
                self._waiting[what].append(Probe(account, sent_s, sent_at))
            batch += 1

    def _ask(self, what: str) -> None:
        keys = cycle([{"Authorization": f"Bearer {key}"} for key in self.home["reading"]])
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        waiting = self._waiting[what]
        over_s = None
        while over_s is None or (waiting and time.monotonic() < over_s):
            if over_s is None and self._stop.wait(1 / ASKED_A_SECOND[what]):
                over_s = time.monotonic() + PATIENCE_S
            try:
                if what == ALERT:
                    self._note(what, alerts_opened(connection, next(keys), waiting))
                else:
                    for probe in list(waiting):
                        self._note(what, [probe] if score_known(connection, next(keys), probe) else [])
                        time.sleep(1 / ASKED_A_SECOND[what])
            except (http.client.HTTPException, OSError, UnexpectedAnswerError) as error:
                # What a thread raises ends nothing but the thread.
                self.wrong.append(repr(error))
                return
        self.waits_s[what] += [PATIENCE_S for _ in waiting]

    def _note(self, what: str, seen: Sequence[Probe]) -> None:
        for probe in seen:
            self.waits_s[what].append(time.monotonic() - probe.sent_s)
            self._waiting[what].remove(probe)


def event(
    message_id: str, told: Sequence[Any], draw: random.Random, probe: tuple[str, dict[str, object]] | None = None
) -> dict[str, Any]:
    use = {"feature": f"feature_{draw.randrange(24)}", "session_minutes": 12.5, "core": draw.random() < 0.5}
    name, properties = probe or (draw.choice(NAMES), use)
    return {
        "type": "track",
        "event": name,
        "messageId": message_id,
        "userId": told[2],
        "timestamp": SystemClock().now().isoformat(),
        "context": {"groupId": told[1], "library": {"name": "analytics-python", "version": "2.4.0"}},
        "properties": {**properties, **({"invoice": message_id} if probe and "amount" in properties else {})},
    }


def alerts_opened(
    connection: http.client.HTTPConnection, headers: dict[str, str], waiting: Sequence[Probe]
) -> list[Probe]:
    """The probes of whose alert the API tells; each account has one probe in a run, and none of an earlier one."""
    asked = urlencode({"rule": "payment_failure", "state": "new", "sort": "newest", "size": ALERTS_READ})
    told = _answer(connection, f"/api/alerts?{asked}", headers)["alerts"]
    opened = {one["account"]["id"]: datetime.fromisoformat(one["opened_at"]) for one in told if one["account"]}
    # An alert bears the moment at which its turn began, a little before.
    seen = (one for one in list(waiting) if one.account[0] in opened)
    return [one for one in seen if opened[one.account[0]] > one.sent_at - timedelta(seconds=10)]


def score_known(connection: http.client.HTTPConnection, headers: dict[str, str], probe: Probe) -> bool:
    """Whether the account's newest score is one that was made since; nothing else but great age could be the cause."""
    told = _answer(connection, f"/api/accounts/{probe.account[0]}", headers)
    return told["as_of"] is not None and datetime.fromisoformat(told["as_of"]) > probe.sent_at


def _answer(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> dict[str, Any]:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise UnexpectedAnswerError(f"The API answered {answer.status} to {path}: {body[:300]!r}")
    return dict(json.loads(body))


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
    speeds = [additions_s()]
    log = folder / "worker.log"
    # The worker says on its error stream what each turn took.
    with log.open("w", encoding="utf-8") as lines:
        kept = os.dup(2)
        os.dup2(lines.fileno(), 2)
        process, address = start_server(home, **more)
        os.dup2(kept, 2)
    try:
        load = Load(int(address.rpartition(":")[2]), known)
        with load.running():
            time.sleep(WARM_S)
            load.forget()
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
    speeds.append(additions_s())
    told_speeds = "; ".join(f"{seconds:.2f}" for seconds in speeds)
    return [
        *_rows(name, load, rate, busy, idle, log.read_text(encoding="utf-8")),
        [name, "s of 10 million additions in Python, before and after", told_speeds, "", ""],
    ]


def _rows(name: str, load: Load, rate: float, busy: dict[str, float], idle: float, told: str) -> list[list[str]]:
    parts = part_times(told)
    shown = ", ".join(f"{part} {seconds:.2f}" for part, seconds in parts.items())
    refused = f"{load.refused} batches refused" if load.refused else ""
    rows = [[name, "events/s", f"{rate:.0f}", "", refused]]
    for what, waits_s in load.waits_s.items():
        waits = sorted(waits_s)
        found = {"p50": median(waits), "p99": waits[min(len(waits) - 1, int(len(waits) * 0.99))]}
        # Plain use may open nothing by itself, and waits its turn.
        limits: dict[str, float] = {} if what == PLAIN else WANTED
        for which, seconds in found.items():
            wanted = limits.get(which)
            held = "" if wanted is None else "yes" if seconds < wanted else "NO"
            shown_limit = "" if wanted is None else f"< {wanted:.0f}"
            rows.append([name, f"s until {what} is seen, {which} of {len(waits)}", f"{seconds:.2f}", shown_limit, held])
        rows.append([name, f"s until {what} is seen, longest", f"{waits[-1]:.2f}", "", ""])
    return [
        *rows,
        [name, "seconds of a turn on average, and of its parts", shown, "", ""],
        [name, "share of a core, server and worker", f"{busy['server']:.2f}; {busy['worker']:.2f}", "", ""],
        [name, "share of a core, worker with nothing to do", f"{idle:.3f}", "< 0.02", "yes" if idle < 0.02 else "NO"],
    ]


def additions_s() -> float:
    """How fast one core is just now, on a machine that others may share."""
    begun, total = time.perf_counter(), 0
    for number in range(10_000_000):
        total += number
    return time.perf_counter() - begun


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
    parser.add_argument("--seconds", type=int, default=120)
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
