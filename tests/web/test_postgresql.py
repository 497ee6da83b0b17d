"""The pages with the state in PostgreSQL."""

import signal
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import psycopg

from tests.postgresql import postgresql
from tests.web.serving import keepwell, start_server

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
