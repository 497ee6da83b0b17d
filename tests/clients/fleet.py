"""A server that is killed and hindered, and the programs of others that send to it meanwhile."""

import json
import resource
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tests.clients.road import Road, roads
from tests.node import PYTHON
from tests.web.serving import environment, start_server, stop_server

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

PATIENCE_S = 120.0


def until(is_so: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
    """Wait for a condition, and fail by its name when it does not come true."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, f"{what} did not happen within {within_s:.0f} s"
        time.sleep(0.02)


class Home:
    """A home with a source of each name and a key of it, and what its database and its log hold."""

    def __init__(self, folder: Path, kinds: Mapping[str, str]) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "tests.clients.home", *(f"{name}={kind}" for name, kind in kinds.items())]
        told = subprocess.run(command, env=environment(folder), stdout=subprocess.PIPE, cwd=ROOT, check=True).stdout
        self._sources: dict[str, tuple[int, str]] = json.loads(told)

    def key(self, source: str) -> str:
        return self._sources[source][1]

    def ledger(self, source: str) -> dict[str, int]:
        """The counts of a source by outcome; a rejection is called `rejected` and its reason."""
        asked = (
            "SELECT trim(outcome || ' ' || reason), sum(count) FROM store_ledgercount WHERE source = ? "
            "GROUP BY 1 ORDER BY 1"
        )
        return dict(self.rows(asked, self._sources[source][0]))

    def rows(self, asked: str, *values: object) -> list[tuple[str, int]]:
        """What the database of the home answers."""
        with closing(sqlite3.connect(f"file:{self.folder / 'state.sqlite3'}?mode=ro", uri=True)) as database:
            return database.execute(asked, values).fetchall()

    def drain(self) -> None:
        """Seal everything that waits in the inbox."""
        command = [sys.executable, "-m", "tests.crash.home", "drain"]
        subprocess.run(command, env=environment(self.folder), stdout=subprocess.PIPE, cwd=ROOT, check=True)

    def logged(self, source: str) -> list[tuple[int | None, str]]:
        """The number that a program gave to each event of the source, and its message id."""
        from keepwell.lake.log import EventLog

        paths = EventLog(self.folder / "lake" / "events").snapshot().paths
        if not paths:
            return []
        asked = f"SELECT CAST(props->>'$.n' AS INT), message_id FROM read_parquet({paths}) WHERE source = ?"
        with closing(duckdb.connect()) as database:
            return database.execute(asked, [source]).fetchall()


class Server:
    """`keepwell serve` on a home, always at the same port."""

    def __init__(self, home: Path, *words: str, **settings: str) -> None:
        self._home, self._words, self._settings = home, words, settings
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> None:
        self._process, _ = start_server(self._home, "--port", str(self.port), *self._words, **self._settings)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def stop(self) -> None:
        stop_server(self._process)

    def fill_disk(self) -> None:
        """From now on not one byte more can be written to a file, as on a full disk."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (0, hard))

    def free_disk(self) -> None:
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (hard, hard))


class Program:
    """One unmodified client library inside a small program, which sends numbered events when it is told to."""

    def __init__(self, name: str, key: str, port: int) -> None:
        self.name = name
        file = next((HERE / "programs").glob(f"{name}.*"))
        runner = str(PYTHON) if file.suffix == ".py" else "node"
        command = [runner, str(file), f"http://127.0.0.1:{port}", key]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    def hear(self, word: str) -> None:
        """Wait for the program to say this."""
        ready, _, _ = select.select([self._stdout], [], [], PATIENCE_S)
        assert ready, f"{self.name} did not say {word!r} within {PATIENCE_S:.0f} s"
        assert self._stdout.readline().strip() == word, f"{self.name} did not say {word!r}"

    def send(self, first: int, end: int) -> None:
        self._stdin.write(json.dumps({"first": first, "end": end}) + "\n")
        self._stdin.flush()

    def end(self) -> int:
        """The exit code, once nothing more is to be sent."""
        self._stdin.close()
        code = self._process.wait(PATIENCE_S)
        self._stdout.close()
        return code

    def kill(self) -> None:
        """End it if it has not ended."""
        self._process.kill()
        self._process.wait()
        for end in (self._stdin, self._stdout):
            end.close()


@dataclass
class Sender:
    """A program, the road it sends on, its source and how many events it has been told to send."""

    program: Program
    road: Road
    source: str
    sent: int = 0

    def send(self, count: int) -> None:
        self.program.send(self.sent, self.sent + count)
        self.sent += count


class Fleet:
    """All programs at once, each with a source, a key and a road of its own."""

    def __init__(self, home: Home, senders: Sequence[Sender]) -> None:
        self._home = home
        self.senders = senders

    def send(self, count: int, **others: int) -> None:
        """Tell every program to send so many events more, or the number given for its name."""
        for sender in self.senders:
            sender.send(others.get(sender.program.name, count))

    def finish(self) -> None:
        """Wait until every program says that it is done, and the browser has nothing left to try again."""
        for sender in self.senders:
            sender.program.hear("done")
        browsers = [sender for sender in self.senders if sender.program.name == "segment_browser"]
        for sender in browsers:
            until(lambda sender=sender: sender.road.told[200] >= sender.sent, "the last answer to the browser")

    def counted(self, outcome: str) -> int:
        """Events in the ledger; those that were sent again are `received` again."""
        return sum(self._home.ledger(sender.source).get(outcome, 0) for sender in self.senders)

    def sent(self) -> int:
        return sum(sender.sent for sender in self.senders)

    def forget_broken(self) -> None:
        for sender in self.senders:
            sender.road.broken = 0

    def all_broken(self) -> bool:
        return all(sender.road.broken for sender in self.senders)

    def told(self) -> set[int]:
        """The status of every answer that reached a program."""
        return {status for sender in self.senders for status in sender.road.told}

    def all_told(self, status: int) -> bool:
        return all(sender.road.told[status] for sender in self.senders)

    def in_log(self) -> dict[str, str]:
        """What of every program is in the log, in words."""
        return {sender.program.name: _told(sender, self._home.logged(sender.source)) for sender in self.senders}

    def as_sent(self) -> dict[str, str]:
        """What `in_log` says when every event is in it once."""
        return {sender.program.name: f"{sender.sent} of {sender.sent} once" for sender in self.senders}


def _told(sender: Sender, logged: Sequence[tuple[int | None, str]]) -> str:
    times = Counter(number for number, _ in logged)
    once = sum(times[number] == 1 for number in range(sender.sent))
    more = len(logged) - once
    ids = len({message_id for _, message_id in logged})
    others = f", {more} rows more" if more else ""
    return f"{once} of {sender.sent} once{others}{'' if ids == len(logged) else f', {ids} message ids'}"


@contextmanager
def fleet(home: Home, names: Sequence[str], what: str, server: Server) -> Iterator[Fleet]:
    """Programs that are ready to send; at the end they must go by themselves, and without an error."""
    with roads(len(names), server.port) as ways:
        senders = [
            Sender(Program(name, home.key(f"{what}-{name}"), way.port), way, f"{what}-{name}")
            for name, way in zip(names, ways, strict=True)
        ]
        try:
            for sender in senders:
                sender.program.hear("ready")
            yield Fleet(home, senders)
            codes = {sender.program.name: sender.program.end() for sender in senders}
        finally:
            for sender in senders:
                sender.program.kill()
        assert codes == dict.fromkeys(names, 0)
