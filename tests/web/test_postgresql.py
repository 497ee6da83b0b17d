"""The pages with the state in PostgreSQL."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import psycopg

from keepwell.web.database import POOLED
from tests.clients.fleet import until
from tests.postgresql import postgresql
from tests.web.serving import environment, keepwell, start_server

ROOT = Path(__file__).parents[2]

# PostgreSQL takes a hundred connections at once unless told otherwise, and a key may ask 120 times a minute.
REQUESTS = 110


def connections(counting: "psycopg.Connection[tuple[int]]") -> int:
    (row,) = counting.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = 'pages'").fetchall()
    return row[0]


def test_requests_leave_no_connection_behind(tmp_path: Path) -> None:
    with postgresql() as server:
        url = server.database("pages")
        done = keepwell(tmp_path / "home", "init", "--email", "ops@example.com", DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        made = keepwell(tmp_path / "home", "key", "create", "--kind", "red", DATABASE_URL=url).stdout
        key = next(line.split()[1] for line in made.splitlines() if line.startswith("Key:"))
        process, address = start_server(tmp_path / "home", "--no-worker", DATABASE_URL=url)
        try:
            port = int(address.rpartition(":")[2])
            answers, counts = set(), set()
            with (
                closing(HTTPConnection("127.0.0.1", port, timeout=60)) as asking,
                closing(psycopg.connect(url)) as counting,
            ):
                counting.autocommit = True
                for _ in range(REQUESTS):
                    asking.request("GET", "/api/accounts/1", headers={"Authorization": f"Bearer {key}"})
                    answer = asking.getresponse()
                    answer.read()
                    answers.add(answer.status)
                    counts.add(connections(counting))
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    assert answers == {404}
    # That of the counting, those of the intake, and one that is just being closed.
    assert max(counts) < 8


def test_more_streams_than_connections_leave_the_pages_as_quick(tmp_path: Path) -> None:
    with postgresql() as server:
        url, home = server.database("pages"), tmp_path / "home"
        done = keepwell(home, "init", "--email", "ops@example.com", DATABASE_URL=url)
        assert done.returncode == 0, done.stderr
        planted = subprocess.run(
            [sys.executable, "-m", "tests.web.plant_shown"],
            env=environment(home, PYTHONPATH=f"{ROOT / 'src'}:{ROOT}", DATABASE_URL=url),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(planted.stdout)
        process, address = start_server(home, "--no-worker", DATABASE_URL=url)
        path = f"/api/touches/shown{{}}?account={told['account']}&contact=ada"
        with ExitStack() as stack:
            stack.callback(process.communicate, timeout=60)
            stack.callback(process.send_signal, signal.SIGINT)
            counting = stack.enter_context(closing(psycopg.connect(url)))
            counting.autocommit = True
            for _ in range(2 * POOLED):
                answer = stack.enter_context(asked(address, path.format("/stream"), told["key"]))
                assert (answer.status, answer.readline()) == (200, b"retry: 1000\n")
            until(lambda: connections(counting) < 10, "connections that are given back", 30)
            with asked(address, path.format(""), told["key"]) as answer:
                assert len(json.load(answer)["messages"]) == 2


@contextmanager
def asked(address: str, path: str, key: str) -> Iterator[HTTPResponse]:
    with closing(HTTPConnection(address.removeprefix("http://"), timeout=60)) as link:
        link.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        with link.getresponse() as answer:
            yield answer
