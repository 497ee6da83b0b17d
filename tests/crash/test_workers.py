"""Several workers on one home and one PostgreSQL: they share the accounts, and nobody waits for a dead one for ever."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.postgresql import Server, postgresql
from tests.web.serving import environment

ACCOUNTS = 120
PATIENCE_S = 120
LONG_S = 600.0
SHORT_S = 2.0


class Workers:
    """A home that was scored once, and the processes that work on it."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url
        self._environment = environment(folder / "home", DATABASE_URL=url)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._run("tests.crash.home", "prepare")
        self.feed("first")
        first = self.start(LONG_S)
        self.wait(lambda: self.count("store_auditentry", "act = 'accounts_scored'") > 0)
        self.wait(self.is_done)
        self.end(first)

    def feed(self, mark: str) -> None:
        """News of every account, one event each."""
        self._run("tests.crash.workers", "feed", str(ACCOUNTS), mark)

    def start(self, lease_s: float, how: str = "", **more: str) -> int:
        """The number of a new worker; returns once it has had a turn, unless it is to stop or die in one."""
        number = len(self._processes)
        command = [sys.executable, "-m", "tests.crash.workers", "work", str(lease_s), how]
        with self._path(number).open("wb") as told:
            self._processes.append(subprocess.Popen(command, env={**self._environment, **more}, stdout=told))
        if not how and not more:
            self.wait(lambda: bool(self.told(number, "scored")))
        return number

    def told(self, number: int, what: str) -> list[Any]:
        lines = [line for line in self._path(number).read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [told[what] for told in map(json.loads, lines) if what in told]

    def asked(self, number: int) -> list[int]:
        """The accounts that a worker has scored, once for each time."""
        return [account for accounts in self.told(number, "asked") for account in accounts or ()]

    def process(self, number: int) -> "subprocess.Popen[bytes]":
        return self._processes[number]

    def is_stopped(self, number: int) -> bool:
        stat = Path(f"/proc/{self._processes[number].pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def wait(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, "it has not come to pass"
            time.sleep(0.02)

    def is_done(self) -> bool:
        return not (self.count("store_inboxbatch") or self.count("store_touchedaccount"))

    def count(self, table: str, where: str = "true") -> int:
        return int(self.query(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def query(self, text: str) -> list[tuple[Any, ...]]:
        with closing(psycopg.connect(self._url, autocommit=True)) as connection:
            return connection.execute(text).fetchall()  # type: ignore[arg-type]  # a text of the tests

    def end(self, *numbers: int) -> None:
        for number in numbers:
            self._processes[number].kill()
            self._processes[number].wait()

    def end_all(self) -> None:
        self.end(*range(len(self._processes)))

    def _path(self, number: int) -> Path:
        return self._folder / f"worker-{number}"

    def _run(self, *words: str) -> None:
        subprocess.run([sys.executable, "-m", *words], env=self._environment, check=True, capture_output=True)


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with postgresql() as found:
        yield found


@pytest.fixture
def workers(database: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Workers]:
    found = Workers(tmp_path, database.database(request.node.name[:40]))
    try:
        yield found
    finally:
        found.end_all()


def known(workers: Workers) -> list[int]:
    return sorted(row[0] for row in workers.query("SELECT id FROM store_account"))


def test_two_workers_share_the_accounts_with_news(workers: Workers) -> None:
    """None is scored twice for one piece of news, and none is forgotten."""
    first, second = workers.start(LONG_S), workers.start(LONG_S)
    workers.feed("second")
    workers.wait(workers.is_done)
    assert sorted(workers.asked(first) + workers.asked(second)) == known(workers)
    assert workers.asked(first)
    assert workers.asked(second)


def test_accounts_of_a_killed_worker_are_scored_once_its_lease_is_over(workers: Workers) -> None:
    workers.feed("second")
    killed = workers.start(SHORT_S, KEEPWELL_CRASH_AT="score: claimed")
    assert workers.process(killed).wait(PATIENCE_S) == -signal.SIGKILL
    assert workers.count("store_touchedaccount", "claimed_by <> ''") > 0
    other = workers.start(LONG_S)
    workers.wait(workers.is_done)
    assert sorted(workers.asked(other)) == known(workers)


def test_a_worker_that_slept_past_its_lease_writes_nothing(workers: Workers) -> None:
    workers.feed("second")
    slow = workers.start(SHORT_S, "stops")
    workers.wait(lambda: workers.is_stopped(slow))
    taken = workers.asked(slow)
    other = workers.start(LONG_S)
    workers.wait(workers.is_done)
    assert set(taken) <= set(workers.asked(other))
    before = workers.query("SELECT id, as_of, nano_points FROM store_scorerecord ORDER BY id")
    turns = len(workers.told(slow, "scored"))
    workers.process(slow).send_signal(signal.SIGCONT)
    workers.wait(lambda: len(workers.told(slow, "scored")) > turns)
    assert workers.told(slow, "scored")[turns] == 0
    assert workers.query("SELECT id, as_of, nano_points FROM store_scorerecord ORDER BY id") == before
