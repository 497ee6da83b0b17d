"""Kills and stops those who deliver messages, while contacts say no; what a real mail server took is the judge."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.channels.peers import Mailboxes
from tests.crash.outbox_process import LEASE
from tests.web.serving import environment

POINTS = ("outbox: claimed", "outbox: asked again", "outbox: handed over", "outbox: confirmed")
MOMENT_S = 0.08
ROOT = Path(__file__).parents[2]


class Ledger(Mailboxes):
    """A mail server that notes what it took when, and now and then takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[tuple[str, str, float]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        (name,) = [line for line in envelope.content.split(b"\r\n") if line.startswith(b"Message-ID:")][:1]
        self.arrived.append((name.partition(b"<")[2].rstrip(b">").decode(), envelope.rcpt_tos[0], time.monotonic()))
        return "250 OK"


@dataclass
class Judgement:
    """What a run showed. `lost` count as sent and never arrived, `stuck` came to no end, `late` arrived after their
    contact had been told that nothing more comes."""

    messages: int
    kills: int
    pauses: int
    arrived: int
    twice: int
    lost: int
    stuck: int
    unknown: int
    unknown_arrived: int
    refused: int
    late: int

    @property
    def is_clean(self) -> bool:
        return not (self.twice or self.lost or self.stuck or self.late)


class OutboxHarness:
    """A home with messages that are due, a mail server, two workers, and contacts who say no."""

    def __init__(
        self,
        home: Path,
        ledger: Ledger,
        *,
        messages: int,
        seed: int,
        fault: str = "",
        more: Mapping[str, str] | None = None,
    ) -> None:
        self._random = random.Random(seed)
        self._fault = fault
        self._ledger = ledger
        self._told = home.parent / "told"
        mail = {
            "KEEPWELL_MAIL_HOST": "127.0.0.1",
            "KEEPWELL_MAIL_PORT": str(ledger.port),
            "KEEPWELL_MAIL_SECURITY": "none",
            "KEEPWELL_MAIL_SENDER": "hello@ours.example",
            "KEEPWELL_PUBLIC_URL": "https://keepwell.example",
        }
        self._environment = environment(home, **mail, **(more or {}))
        self._run("prepare", str(messages))
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.outbox_process"],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self._workers: list[int] = []
        self._refusing = 0
        self.kills = self.pauses = 0

    def start(self, crash_at: str = "") -> None:
        self._workers.append(int(self._ask(do="deliver", crash_at=crash_at, fault=self._fault)))

    def start_refusing(self) -> None:
        """Half of the contacts say no, one after the other."""
        self._refusing = int(
            self._ask(do="refuse", seed=self._random.randrange(10**6), to=str(self._told), fault=self._fault)
        )

    def kill_one(self) -> None:
        """At a random moment; another takes its place."""
        time.sleep(self._random.uniform(0, MOMENT_S))
        pid = self._workers.pop(self._random.randrange(len(self._workers)))
        os.kill(pid, signal.SIGKILL)
        self._ask(do="reap", pid=pid)
        self.kills += 1
        self.start()

    def kill_at(self, point: str) -> None:
        """One more worker, which kills itself at a named place as soon as it comes there."""
        pid = int(self._ask(do="deliver", crash_at=point, fault=self._fault))
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and _is_running(pid):
            time.sleep(0.01)
        if _is_running(pid):
            os.kill(pid, signal.SIGKILL)
        self._ask(do="reap", pid=pid)
        self.kills += 1

    def pause_one(self) -> None:
        """A worker sleeps for longer than its lease, and wakes."""
        pid = self._random.choice(self._workers)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(LEASE.total_seconds() * 1.6)
        os.kill(pid, signal.SIGCONT)
        self.pauses += 1

    def waiting(self) -> int:
        """How many messages have not come to an end."""
        return sum(state in ("todo", "claimed") for _, state, _, _ in self._rows())

    def judge(self, patience_s: float = 1800) -> Judgement:
        """Let the workers finish, and compare what the home says with what arrived."""
        deadline = time.monotonic() + patience_s
        while (self.waiting() or (self._refusing and _is_running(self._refusing))) and time.monotonic() < deadline:
            time.sleep(0.5)
        rows = self._rows()
        counts = Counter(name for name, _, _ in self._ledger.arrived)
        told = dict(json.loads(line) for line in self._told.read_text().splitlines()) if self._told.exists() else {}
        sent = {name for name, state, _, _ in rows if state == "sent"}
        unknown = {name for name, state, _, _ in rows if state == "unknown"}
        late = [name for name, to, at in self._ledger.arrived if to in told and at > told[to]]
        return Judgement(
            messages=len(rows),
            kills=self.kills,
            pauses=self.pauses,
            arrived=len(counts),
            twice=sum(count > 1 for count in counts.values()),
            lost=len(sent - counts.keys()),
            stuck=sum(state in ("todo", "claimed") for _, state, _, _ in rows),
            unknown=len(unknown),
            unknown_arrived=len(unknown & counts.keys()),
            refused=len(told),
            late=len(late),
        )

    def close(self) -> None:
        for pid in self._workers:
            os.kill(pid, signal.SIGKILL)
        self._zygote.kill()
        self._zygote.wait()
        for pipe in (self._zygote.stdin, self._zygote.stdout):
            if pipe is not None:
                pipe.close()

    def _rows(self) -> list[tuple[str, str, str, bool]]:
        return [tuple(row) for row in json.loads(self._run("tell"))]

    def _run(self, *words: str) -> str:
        command = [sys.executable, "-m", "tests.crash.outbox_process", *words]
        done = subprocess.run(command, env=self._environment, cwd=ROOT, check=True, capture_output=True, text=True)
        return done.stdout

    def _ask(self, **command: Any) -> str:
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.write(json.dumps(command) + "\n")
        self._zygote.stdin.flush()
        return self._zygote.stdout.readline()


def _is_running(pid: int) -> bool:
    """A process that has ended and waits to be reaped runs no more."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
