"""Streams by the real server, to a client that nobody here wrote, by way of the example of the docs."""

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from keepwell.base.clock import SystemClock
from tests.channels.peers import free_port
from tests.clients.fleet import until
from tests.node import CLIENTS
from tests.web.serving import environment, keepwell, start_server, stop_server

ROOT = Path(__file__).parents[2]
STREAM = "/api/touches/shown/stream"
EXAMPLE = re.compile(r"(?ms)^```js\n(// notices\.mjs.*?)^```$")


@dataclass
class Company:
    """A home with two messages that are shown and two that wait."""

    home: Path
    key: str
    other: str
    account: str

    def let_go(self, number: int) -> None:
        with closing(sqlite3.connect(self.home / "state.sqlite3", timeout=20)) as database:
            now = SystemClock().now().replace(tzinfo=None).isoformat(" ")
            asked = "UPDATE store_touch SET state = 'sent', settled_at = ? WHERE step = ?"
            database.execute(asked, (now, f"n{number}"))
            database.commit()


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Company:
    home = tmp_path_factory.mktemp("shown") / "home"
    assert keepwell(home, "init", "--email", "first@keepwell.example").returncode == 0
    done = subprocess.run(
        [sys.executable, "-m", "tests.web.plant_shown"],
        env=environment(home, PYTHONPATH=f"{ROOT / 'src'}:{ROOT}"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, str] = json.loads(done.stdout)
    return Company(home, told["key"], told["other"], told["account"])


@pytest.fixture
def company(planted: Company) -> Company:
    """As it was planted."""
    with closing(sqlite3.connect(planted.home / "state.sqlite3", timeout=20)) as database:
        database.execute("UPDATE store_touch SET state = 'todo', settled_at = NULL WHERE step IN ('n3', 'n4')")
        database.commit()
    return planted


@contextmanager
def serving(company: Company, port: int = 0) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    process, url = start_server(company.home, "--no-worker", "--port", str(port))
    try:
        yield process, url
    finally:
        if process.poll() is None:
            stop_server(process)


@pytest.fixture(scope="module")
def served_url(planted: Company) -> Iterator[str]:
    """A server for all tests that do not end it."""
    with serving(planted) as (_, url):
        yield url


@contextmanager
def asked(url: str, company: Company, key: str = "", **more: str) -> Iterator[HTTPResponse]:
    query = "&".join(
        f"{name}={value}" for name, value in {"account": company.account, "contact": "ada", **more}.items()
    )
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=20)) as link:
        link.request("GET", f"{STREAM}?{query}", headers={"Authorization": f"Bearer {key or company.key}"})
        with link.getresponse() as answer:
            yield answer


def events(answer: HTTPResponse, count: int) -> list[Any]:
    found: list[Any] = []
    while len(found) < count:
        line = answer.readline().decode()
        assert line, "the stream ended"
        if line.startswith("data: "):
            found.append(json.loads(line[6:]))
    return found


def test_a_stream_gives_what_is_there_then_what_comes_and_ends_with_the_server(company: Company) -> None:
    with serving(company) as (process, url), asked(url, company) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert [one["subject"] for one in events(answer, 2)] == ["Message 1", "Message 2"]
        company.let_go(3)
        assert events(answer, 1)[0]["subject"] == "Message 3"
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert b"data:" not in answer.read()
        # The server would wait for five seconds before it gives an answer up.
        assert time.monotonic() - begun < 4


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({"key": "red_" + "x" * 43}, 401, "unknown, revoked or expired"),
        ({"key": "other"}, 403, "touches:read"),
        ({"account": "nobody"}, 404, "not"),
        ({"after": "yesterday"}, 422, "after"),
        ({"note": "other"}, 400, "leaked"),
    ],
)
def test_what_is_refused_once_is_refused_as_a_stream(
    company: Company, served_url: str, more: dict[str, str], status: int, said: str
) -> None:
    told = {name: company.other if value == "other" else value for name, value in more.items()}
    with asked(served_url, company, **told) as answer:
        assert answer.status == status
        assert said in answer.read().decode()


def test_a_revoked_key_gets_no_further_message(company: Company, served_url: str) -> None:
    made = keepwell(company.home, "key", "create", "--kind", "red", "--scope", "touches:read").stdout
    found = re.search(r"red_[A-Za-z0-9_-]{43}", made)
    assert found, made
    with asked(served_url, company, found.group(0)) as answer:
        assert len(events(answer, 2)) == 2
        assert keepwell(company.home, "key", "revoke", found.group(0)[:12]).returncode == 0
        company.let_go(3)
        assert b"data:" not in answer.read()


def threads(process: "subprocess.Popen[str]") -> int:
    return len(list(Path(f"/proc/{process.pid}/task").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux counts threads in /proc")
def test_fifty_streams_hold_no_more_threads_than_one(company: Company) -> None:
    with serving(company) as (process, url), ExitStack() as stack:
        streams = [stack.enter_context(asked(url, company))]
        assert len(events(streams[0], 2)) == 2
        before = threads(process)
        for _ in range(49):
            streams.append(stack.enter_context(asked(url, company)))
            assert len(events(streams[-1], 2)) == 2
        company.let_go(3)
        for answer in streams:
            assert events(answer, 1)[0]["subject"] == "Message 3"
        until(lambda: threads(process) <= before + 5, "no more threads", 20)


class Page:
    """A page that listens, and what it heard."""

    def __init__(self, url: str) -> None:
        command = [shutil.which("node") or "node", str(CLIENTS / "shown_stream.mjs"), url]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.heard: list[Any] = []

    def read_until(self, key: str, count: int = 1) -> list[Any]:
        """What it says until so many more lines have this key."""
        assert self.process.stdout is not None
        found: list[Any] = []
        while len(found) < count:
            line = self.process.stdout.readline()
            assert line, "the page ended"
            told = json.loads(line)
            self.heard.append(told)
            found += [told[key]] if key in told else []
        return found

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def passed_on(company: Company, keepwell_url: str, folder: Path) -> Iterator[str]:
    """The server of the docs' example, for a contact who is signed in."""
    (example,) = EXAMPLE.findall((ROOT / "docs" / "in-app.md").read_text(encoding="utf-8"))
    (folder / "notices.mjs").write_text(example, encoding="utf-8")
    who = json.dumps({"account": company.account, "contact": "ada"})
    (folder / "signed_in.mjs").write_text(f"export const signedIn = () => ({who});\n")
    port = free_port()
    more = {"KEEPWELL": keepwell_url, "KEEPWELL_KEY": company.key, "PORT": str(port)}
    command = [shutil.which("node") or "node", "notices.mjs"]
    with subprocess.Popen(command, cwd=folder, env={**environment(company.home), **more}) as process:
        try:
            until(lambda: _answers(port), "the example")
            yield f"http://127.0.0.1:{port}/notices"
        finally:
            process.kill()


def _answers(port: int) -> bool:
    link = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        link.connect()
    except OSError:
        return False
    link.close()
    return True


@pytest.mark.clients
def test_a_page_behind_the_example_hears_every_message_once_over_a_restart(company: Company, tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with passed_on(company, address, tmp_path) as url, closing(Page(url)) as page:
        with serving(company, port):
            heard = page.read_until("id", 2)
            company.let_go(3)
            heard += page.read_until("id")
        page.read_until("state")
        company.let_go(4)
        with serving(company, port):
            heard += page.read_until("id")
        places = [told["last"] for told in page.heard if "id" in told]
    assert len(set(heard)) == len(heard) == 4
    assert heard == sorted(heard)
    assert [int(place.rpartition("-")[2]) for place in places] == heard
