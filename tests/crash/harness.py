"""Kills the intake while programs send to it, and compares what they were told with what is in the log.

The senders' own lists are the judge, never the server's counters.
"""

import base64
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from tests.web.serving import environment

EVENTS_A_REQUEST = 10
AGAIN_SHARE = 0.1
ANSWERS_BETWEEN = 12
MOMENT_S = 0.02
PATIENCE_S = 120
INBOX_POINTS = ("inbox: before commit", "inbox: after commit")
SEAL_POINTS = ("seal: planned", "seal: appended", "seal: before finish", "seal: finished")


@dataclass
class Judgement:
    """What a run showed. `lost` were acknowledged and are not in the log; `twice` are in it more than once."""

    kills: int
    acknowledged: int
    logged: int
    lost: int
    twice: int
    ledger_difference: int
    requests: int
    again: int

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.twice or self.ledger_difference)

    def numbers(self) -> list[int]:
        """As a row of a table."""
        sent = [self.kills, self.requests, self.again, self.acknowledged, self.logged]
        return [*sent, self.lost, self.twice, self.ledger_difference]


@dataclass
class Sender:
    """One program that sends batches until each is acknowledged, and now and then one more time."""

    number: int
    port: int
    key: str
    stop: threading.Event
    random: random.Random
    acknowledged: set[str] = field(default_factory=set)
    requests: int = 0
    answers: int = 0
    again: int = 0

    def run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        batch = 0
        while not self.stop.is_set():
            ids = [f"s{self.number}-{batch}-{place}" for place in range(EVENTS_A_REQUEST)]
            batch += 1
            body = json.dumps({"batch": [event(name) for name in ids]}).encode()
            times = 2 if self.random.random() < AGAIN_SHARE else 1
            while times and not self.stop.is_set():
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                self.requests += 1
                if self._is_taken(connection, body):
                    self.acknowledged.update(ids)
                    self.answers += 1
                    times -= 1
                else:
                    self.again += 1
                    connection.close()
                    connection = None
        if connection:
            connection.close()

    def _is_taken(self, connection: http.client.HTTPConnection, body: bytes) -> bool:
        user = base64.b64encode(f"{self.key}:".encode()).decode()
        try:
            connection.request("POST", "/v1/batch", body, {"Authorization": f"Basic {user}"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        return answer.status == 200


class Harness:
    """A home, a zygote, and the two processes that are killed: the server and the sealer."""

    def __init__(self, home: Path, *, seed: int, fault: str = "", more: Mapping[str, str] | None = None) -> None:
        self.home = home
        self._random = random.Random(seed)
        self._fault = fault
        limits = {"KEEPWELL_INTAKE_REQUESTS_A_MINUTE": "10000000", **(more or {})}
        self._environment = environment(home, **limits)
        self.key = self._prepare()
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.zygote"],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        self.port = int(self._read())
        self._pids: dict[str, int] = {}
        self.kills = 0

    def start(self, what: str, crash_at: str = "") -> None:
        self._pids[what] = int(self._ask(do=what, crash_at=crash_at, fault=self._fault))

    def kill(self, what: str) -> None:
        """Kill a process and wait until it is gone."""
        pid = self._pids.pop(what)
        os.kill(pid, signal.SIGKILL)
        self._ask(do="reap", pid=pid)
        self.kills += 1

    def await_crash(self, what: str) -> None:
        """Wait until a process has killed itself at its crash point."""
        status = int(self._ask(do="reap", pid=self._pids.pop(what)))
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, status
        self.kills += 1

    def kill_at_random(self, times: int, senders: Sequence[Sender]) -> None:
        """Kill a process again and again, each time after a few more answers and a moment in the middle of the next.

        The count of answers makes a run as long on a busy machine as it must be there.
        """
        for _ in range(times):
            self.await_answers(senders, self._random.randint(0, ANSWERS_BETWEEN))
            time.sleep(self._random.uniform(0, MOMENT_S))
            what = self._random.choice(("serve", "serve", "seal"))
            self.kill(what)
            self.start(what)

    def kill_at_every_point(self) -> None:
        """Let each process kill itself at each of its named points, and kill it once more to start it anew."""
        for what, points in (("serve", INBOX_POINTS), ("seal", SEAL_POINTS)):
            for point in points:
                self.kill(what)
                self.start(what, point)
                self.await_crash(what)
                self.start(what)

    def close(self) -> None:
        for what in list(self._pids):
            self.kill(what)
        assert self._zygote.stdin is not None
        self._zygote.stdin.close()
        self._zygote.wait()
        assert self._zygote.stdout is not None
        self._zygote.stdout.close()

    @contextmanager
    def senders(self, count: int) -> Iterator[list[Sender]]:
        """Programs that send until the block ends, and then finish nothing that was not acknowledged."""
        stop = threading.Event()
        found = [
            Sender(number, self.port, self.key, stop, random.Random(f"{number}/{self._random.random()}"))
            for number in range(count)
        ]
        threads = [threading.Thread(target=sender.run) for sender in found]
        for thread in threads:
            thread.start()
        try:
            yield found
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def judge(self, senders: list[Sender]) -> Judgement:
        """Seal what waits without killing anybody, then compare."""
        told = json.loads(self._run("drain"))
        logged = Counter(_logged(self.home))
        acknowledged = set().union(*(sender.acknowledged for sender in senders))
        return Judgement(
            kills=self.kills,
            acknowledged=len(acknowledged),
            logged=len(logged),
            lost=len(acknowledged - logged.keys()),
            twice=sum(count > 1 for count in logged.values()),
            ledger_difference=_difference(told, len(logged)),
            requests=sum(sender.requests for sender in senders),
            again=sum(sender.again for sender in senders),
        )

    def await_answers(self, senders: Sequence[Sender], more: int) -> None:
        """Return once so many more requests were acknowledged."""
        self._await(lambda: sum(sender.answers for sender in senders), more)

    def await_refusals(self, senders: Sequence[Sender], more: int) -> None:
        """Return once so many more requests were not acknowledged."""
        self._await(lambda: sum(sender.again for sender in senders), more)

    def _await(self, count: Callable[[], int], more: int) -> None:
        wanted = count() + more
        deadline = time.monotonic() + PATIENCE_S
        while count() < wanted:
            assert time.monotonic() < deadline, "the intake answers no more"
            time.sleep(0.002)

    def _prepare(self) -> str:
        return self._run("prepare").strip()

    def _run(self, what: str) -> str:
        command = [sys.executable, "-m", "tests.crash.home", what]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _ask(self, **command: Any) -> str:
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(json.dumps(command) + "\n")
        self._zygote.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._zygote.stdout is not None
        return self._zygote.stdout.readline().strip()


def event(message_id: str) -> dict[str, object]:
    return {
        "type": "track",
        "event": "feature_used",
        "messageId": message_id,
        "userId": f"contact-{message_id[-1]}",
        "timestamp": "2026-06-01T12:00:00Z",
        "context": {"groupId": f"account-{message_id[1]}"},
        "properties": {"feature": "reports"},
    }


def _logged(home: Path) -> list[str]:
    from keepwell.lake.log import EventLog

    paths = EventLog(home / "lake" / "events").snapshot().paths
    if not paths:
        return []
    return [row[0] for row in duckdb.sql(f"SELECT message_id FROM read_parquet({paths})").fetchall()]


def _difference(ledger: Mapping[str, int], logged: int) -> int:
    """How far the ledger is from adding up, and from the log."""
    parts = sum(ledger.get(name, 0) for name in ("accepted", "duplicate", "conflict", "rejected"))
    return abs(ledger.get("received", 0) - parts - ledger["waiting"]) + abs(ledger.get("accepted", 0) - logged)
