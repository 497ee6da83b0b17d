"""Programs that nobody here wrote deliver every event once, whatever happens on the way."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.clients.fleet import Home, Server, fleet, until

# Those that try again, as long as it takes, what was not acknowledged.
PROGRAMS = (
    "segment_python",
    "rudder_python",
    "posthog_python",
    "segment_node",
    "rudder_node",
    "segment_browser",
    "otlp_python",
)
ALL = (*PROGRAMS, "cloudevents_node", "otlp_node")
WAYS = ("calm", "limit", "trouble", "lost")
# Requests of one key in a minute; one more is allowed every two seconds.
LIMIT = 30

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    kinds = {f"{way}-{name}": "ing" if name == "segment_browser" else "srv" for way in WAYS for name in ALL}
    return Home(tmp_path_factory.mktemp("home"), kinds)


@contextmanager
def serving(home: Home, *words: str, **settings: str) -> Iterator[Server]:
    server = Server(home.folder, *words, **settings)
    try:
        yield server
    finally:
        server.stop()


def test_every_event_is_in_the_log_once(home: Home) -> None:
    """P1, P2: through the server and its own worker."""
    with serving(home) as server, fleet(home, ALL, "calm", server) as senders:
        senders.send(200)
        senders.finish()
        assert senders.told() == {200, 202, 204}
        until(lambda: senders.counted("accepted") == senders.sent(), "everything in the log")
        assert senders.in_log() == senders.as_sent()


def test_a_program_that_sends_too_much_comes_back_later(home: Home) -> None:
    """429: each program asks more often than it may, and waits as long as it is told."""
    settings = {"KEEPWELL_INTAKE_REQUESTS_A_MINUTE": str(LIMIT)}
    with serving(home, "--no-worker", **settings) as server, fleet(home, PROGRAMS, "limit", server) as senders:
        senders.send(5 * (LIMIT + 5), segment_browser=LIMIT + 5)
        senders.finish()
        assert senders.all_told(429)
        assert senders.told() == {200, 204, 429}
        home.drain()
        assert senders.in_log() == senders.as_sent()


def test_a_full_disk_and_kills_lose_nothing(home: Home) -> None:
    """P1, F1, F5: 503 for every program while nothing can be written, without a restart; then a server that is killed
    among requests, and one that is not there when they come.
    """
    with serving(home, "--no-worker") as server, fleet(home, PROGRAMS, "trouble", server) as senders:
        senders.send(20)
        senders.finish()
        server.fill_disk()
        senders.send(100)
        until(lambda: senders.all_told(503), "a 503 for each program")
        server.free_disk()
        senders.finish()

        senders.send(100)
        until(lambda: senders.counted("received") > senders.sent() - 80 * len(PROGRAMS), "a fifth of the events taken")
        server.kill()
        server.start()
        senders.finish()

        server.kill()
        senders.forget_broken()
        senders.send(100)
        until(senders.all_broken, "a failed request of each program")
        server.start()
        senders.finish()

        assert senders.told() == {200, 204, 503}
        home.drain()
        assert senders.in_log() == senders.as_sent()


def test_what_is_sent_again_is_counted_once(home: Home) -> None:
    """P2, P3: every third answer is lost after the server took the events; the ledger tells of each duplicate."""
    with serving(home, "--no-worker") as server, fleet(home, PROGRAMS, "lost", server) as senders:
        for sender in senders.senders:
            sender.road.lose_every = 3
        senders.send(100, segment_browser=60)
        senders.finish()
        assert senders.told() == {200, 204}
        home.drain()
        assert senders.in_log() == senders.as_sent()
        for sender in senders.senders:
            told = home.ledger(sender.source)
            assert told["duplicate"] >= sender.road.lost > 0
            assert told == {
                "accepted": sender.sent,
                "duplicate": told["duplicate"],
                "received": sender.sent + told["duplicate"],
            }
