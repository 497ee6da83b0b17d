"""Streams of what the product shows: who gets one, what is on it and when, and how it ends."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError

from keepwell.base.clock import FixedClock
from keepwell.base.instant import instant
from keepwell.web.api.touch import Feed, Shown, place_of_shown
from keepwell.web.bounded_http import ENDS
from keepwell.web.shown_stream import MOST_AT_ONCE, PATH, Asked, Found, ShownStreams, StreamLimits

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
CLOCK = FixedClock(NOW)
KEY = "red_" + "k" * 43
ACCOUNT = 7
NEVER = 3_600.0
QUICK = StreamLimits(look_s=0.005, comment_s=NEVER, check_s=NEVER)


def message(number: int) -> Shown:
    return Shown(
        id=number, subject=f"Message {number}", text="t\nu", html="<p>t</p>", purpose="retention",
        shown_at=NOW + timedelta(seconds=number),
    )  # fmt: skip


@dataclass
class Feeds:
    """What there is to show, whether the key may still ask, and what was asked."""

    there: list[Shown] = field(default_factory=list)
    may_ask: bool = True
    is_down: bool = False
    asked: list[tuple[Asked, str]] = field(default_factory=list)

    def read(self, asked: Asked, after: str, now: datetime) -> Found | None:
        self.asked.append((asked, after))
        if self.is_down:
            raise OperationalError("gone")
        at, _, number = (after or "0-0").partition("-")
        place = (instant(int(at)), int(number))
        found = [one for one in self.there if (one.shown_at, one.id) > place][:MOST_AT_ONCE]
        return (
            Found(ACCOUNT, Feed(messages=found, next=place_of_shown(found[-1]) if found else after))
            if (self.may_ask)
            else None
        )

    def look(self, since: datetime) -> list[tuple[int, int]]:
        assert since == NOW - timedelta(minutes=1)
        return [(one.id, ACCOUNT) for one in self.there]


@dataclass
class Inner:
    """The pages behind; `status` is their answer to who asks for messages once."""

    status: int = 200
    scopes: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"x-from", b"pages")]})
        await send({"type": "http.response.body", "body": b"{}"})


class Peer:
    """Whoever asks for a stream, and what came of it."""

    def __init__(self, streams: ShownStreams, query: str = "account=acme&contact=ada", **headers: str) -> None:
        told = {
            "authorization": f"Bearer {KEY}",
            "cookie": "s=1",
            **{n.replace("_", "-"): v for n, v in headers.items()},
        }
        self.scope: dict[str, Any] = {
            "type": "http", "method": "GET", "path": PATH, "raw_path": PATH.encode(), "client": ("192.0.2.7", 1),
            "query_string": query.encode(), "headers": [(n.encode(), v.encode()) for n, v in told.items() if v],
        }  # fmt: skip
        self.sent: list[dict[str, Any]] = []
        self.news = asyncio.Event()
        self._left = asyncio.Event()
        self.task = asyncio.create_task(streams(self.scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        self.news.set()

    def leave(self) -> None:
        self._left.set()

    @property
    def status(self) -> int:
        found: int = self.sent[0]["status"]
        return found

    @property
    def text(self) -> str:
        return b"".join(one.get("body", b"") for one in self.sent[1:]).decode()

    @property
    def ids(self) -> list[int]:
        return [json.loads(line[6:])["id"] for line in self.text.split("\n") if line.startswith("data: ")]

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_so():
                self.news.clear()
                await self.news.wait()

    async def ended(self) -> None:
        async with asyncio.timeout(10):
            await self.task


def streams_of(feeds: Feeds, inner: Inner | None = None, limits: StreamLimits = QUICK) -> ShownStreams:
    return ShownStreams(inner or Inner(), CLOCK, limits, read=feeds.read, look=feeds.look)


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def told() -> None:
        await story()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    # In a thread of its own: a browser of another test leaves a loop in that of the tests.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, told()).result()


def test_what_is_there_comes_first_and_what_is_new_at_once() -> None:
    feeds = Feeds([message(1), message(2)])

    async def story() -> None:
        peer = Peer(streams_of(feeds))
        await peer.until(lambda: peer.ids == [1, 2])
        feeds.there.append(message(3))
        await peer.until(lambda: peer.ids == [1, 2, 3])
        assert dict(peer.sent[0]["headers"])[b"content-type"] == b"text/event-stream; charset=utf-8"
        assert peer.text.startswith("retry: 1000\n\nid: ")
        event = peer.text.split("\n\n")[1]
        assert event == f"id: {place_of_shown(message(1))}\ndata: {message(1).model_dump_json()}"
        assert feeds.asked[0][0] == Asked(KEY, "192.0.2.7", "acme", "ada")

    run(story)


@pytest.mark.parametrize("way", ["last_event_id", "after"])
def test_it_goes_on_behind_the_last_message_that_came(way: str) -> None:
    feeds = Feeds([message(number) for number in (1, 2, 3)])
    place = place_of_shown(message(2))
    inner = Inner()

    async def story() -> None:
        query = "account=acme&contact=ada"
        streams = streams_of(feeds, inner)
        peer = Peer(streams, f"{query}&after={place}") if way == "after" else Peer(streams, query, last_event_id=place)
        await peer.until(lambda: peer.ids == [3])

    run(story)
    (scope,) = inner.scopes
    assert (scope["path"], scope["raw_path"]) == ("/api/touches/shown", b"/api/touches/shown")
    assert f"after={place}" in scope["query_string"].decode()
    assert {name for name, _ in scope["headers"]} == {b"authorization"}


def test_more_than_one_page_comes_whole() -> None:
    count = 2 * MOST_AT_ONCE + 5
    feeds = Feeds([message(number) for number in range(1, count + 1)])

    async def story() -> None:
        peer = Peer(streams_of(feeds))
        await peer.until(lambda: len(peer.ids) == count)
        assert peer.ids == list(range(1, count + 1))

    run(story)


@pytest.mark.parametrize("status", [401, 403, 404, 422, 429])
def test_who_may_not_ask_once_gets_no_stream_and_the_same_answer(status: int) -> None:
    feeds = Feeds()

    async def story() -> None:
        peer = Peer(streams_of(feeds, Inner(status)))
        await peer.ended()
        assert (peer.status, peer.text) == (status, "{}")
        assert peer.sent[0]["headers"] == [(b"x-from", b"pages")]

    run(story)
    assert feeds.asked == []


def test_a_key_is_needed_and_only_reading_is_possible() -> None:
    async def story() -> None:
        streams = streams_of(Feeds())
        without = Peer(streams, authorization="")
        await without.ended()
        assert (without.status, "Authorization" in without.text) == (401, True)
        writing = Peer(streams)
        writing.scope["method"] = "POST"
        await writing.ended()
        assert writing.status == 405

    run(story)


def test_a_process_has_so_many_streams_and_no_more() -> None:
    async def story() -> None:
        streams = streams_of(Feeds([message(1)]), limits=StreamLimits(most=2, look_s=NEVER))
        first, second = Peer(streams), Peer(streams)
        await first.until(lambda: first.ids == [1])
        await second.until(lambda: second.ids == [1])
        third = Peer(streams)
        await third.ended()
        assert third.status == 503
        first.leave()
        await first.ended()
        fourth = Peer(streams)
        await fourth.until(lambda: fourth.ids == [1])

    run(story)


def test_comments_keep_the_link_open() -> None:
    async def story() -> None:
        peer = Peer(streams_of(Feeds(), limits=StreamLimits(look_s=NEVER, comment_s=0.005, check_s=NEVER)))
        await peer.until(lambda: peer.text.count(":\n\n") >= 3)

    run(story)


def test_a_key_that_may_no_more_ends_its_stream() -> None:
    feeds = Feeds([message(1)])

    async def story() -> None:
        peer = Peer(streams_of(feeds, limits=StreamLimits(look_s=NEVER, check_s=0.005)))
        await peer.until(lambda: peer.ids == [1])
        feeds.may_ask = False
        feeds.there.append(message(2))
        await peer.ended()
        assert peer.ids == [1]
        assert peer.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}

    run(story)


def test_what_the_look_missed_comes_with_the_next_check() -> None:
    feeds = Feeds()

    async def story() -> None:
        peer = Peer(streams_of(feeds, limits=StreamLimits(look_s=NEVER, check_s=0.005)))
        await peer.until(lambda: bool(peer.sent))
        feeds.there.append(message(1))
        await peer.until(lambda: peer.ids == [1])

    run(story)


def test_a_stream_ends_with_its_peer_with_the_server_and_with_the_database() -> None:
    feeds = Feeds([message(1)])

    async def story() -> None:
        streams = streams_of(feeds)
        peers = [Peer(streams) for _ in range(3)]
        for peer in peers:
            await peer.until(lambda peer=peer: peer.ids == [1])  # type: ignore[misc]
        peers[0].leave()
        await peers[0].ended()
        peers[1].scope[ENDS]()
        await peers[1].ended()
        feeds.is_down = True
        feeds.there.append(message(2))
        await peers[2].ended()
        assert [peer.ids for peer in peers] == [[1], [1], [1]]
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0)

    run(story)


def test_the_real_limits_are_those_of_the_docs() -> None:
    assert StreamLimits() == StreamLimits(500, 1.0, 15.0, 60.0, 30.0, 1_000)
