"""Messages that the product shows, as they come: `GET /api/touches/shown/stream`, as server-sent events.

A bare ASGI application in front of the pages. A stream begins with the same question that asks for messages once, and
with the same refusals. From then on it holds no thread and no connection to the database: one look a second finds what
is new for all streams of the process. Whether its key may still ask is asked with every message, and every minute.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

from django.db import DatabaseError, InterfaceError

from keepwell.base.clock import Clock
from keepwell.jobs.door import with_own_connection
from keepwell.store.read.account import access_account_named
from keepwell.store.read.touch import newly_shown
from keepwell.web.api.touch import Feed, Shown, place_of_shown, read_feed
from keepwell.web.bounded_http import ENDS
from keepwell.web.intake_request import Scope, header, json_bytes
from keepwell.web.key_sign_in import bearer_of, member_by_key
from keepwell.web.shown_watch import ShownWatch

Application = Callable[[Scope, Any, Any], Awaitable[None]]
T = TypeVar("T")

ASKED: Final = "/api/touches/shown"
PATH: Final = f"{ASKED}/stream"
MOST_AT_ONCE: Final = 100
THREADS: Final = 2
_HEAD: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    # A proxy that gathers the answer would keep every message back.
    (b"x-accel-buffering", b"no"),
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How many streams one process has at most, and after how many seconds it looks for what is new, writes a comment
    so that nothing in between hangs up, asks whether the key still may, and gives up somebody who does not read.
    """

    most: int = 500
    look_s: float = 1.0
    comment_s: float = 15.0
    check_s: float = 60.0
    stuck_s: float = 30.0
    retry_ms: int = 1_000


LIMITS: Final = StreamLimits()


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose messages a stream gives, and to whom."""

    key: str = field(repr=False)
    address: str
    account: str
    contact: str


@dataclass(frozen=True, slots=True)
class Found:
    """The account that was meant, and its messages behind a place."""

    account: int
    feed: Feed


Read = Callable[[Asked, str, datetime], Found | None]


def read_shown(asked: Asked, after: str, now: datetime) -> Found | None:
    """None where the key may not ask this any more."""
    member = member_by_key(asked.key, asked.address, "GET", ASKED, now=now)
    account = access_account_named(member, asked.account) if member is not None else None
    if member is None or account is None:
        return None
    return Found(account.pk, read_feed(member, account.pk, asked.contact, after, MOST_AT_ONCE))


class ShownStreams:
    """Answers with streams, and hands every other request on."""

    def __init__(
        self,
        otherwise: Application,
        clock: Clock,
        limits: StreamLimits = LIMITS,
        *,
        read: Read = read_shown,
        look: Callable[[datetime], list[tuple[int, int]]] = newly_shown,
    ) -> None:
        self._otherwise = otherwise
        self._clock = clock
        self._limits = limits
        self._read = read
        self._threads = ThreadPoolExecutor(THREADS, "shown")
        self._watch = ShownWatch(look, self._run, clock, limits.look_s)
        self._open = 0

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._otherwise(scope, receive, send)
            return
        key = bearer_of(header(scope, b"authorization"))
        if scope["method"] != "GET":
            await _refuse(send, 405, "Ask for a stream by GET.", (b"allow", b"GET"))
        elif not key:
            sentence = "Send a key of kind red or adm, as 'Authorization: Bearer …'."
            await _refuse(send, 401, sentence, (b"www-authenticate", b"Bearer"))
        elif self._open >= self._limits.most:
            sentence = f"This process has {self._limits.most} streams already. Ask for the messages once in a while."
            await _refuse(send, 503, sentence, (b"retry-after", b"60"))
        else:
            self._open += 1
            try:
                await self._stream(scope, key, receive, send)
            finally:
                self._open -= 1

    async def _stream(self, scope: Scope, key: str, receive: Any, send: Any) -> None:
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        query["after"] = header(scope, b"last-event-id") or query.get("after", "")
        refusal = await self._refusal(scope, query)
        if refusal is not None:
            for message in refusal:
                await send(message)
            return
        peer = scope.get("client")
        asked = Asked(key, peer[0] if peer else "", query["account"], query["contact"])
        stream = _Stream(send, self._limits)
        gone = asyncio.create_task(_gone(receive))
        gone.add_done_callback(stream.end)
        # Without it the server would wait for the stream before it ends.
        scope[ENDS] = stream.end
        try:
            await self._tell(stream, asked, query["after"])
        except TimeoutError:
            return
        except (DatabaseError, InterfaceError):
            _log.warning("A stream of messages ended because the database did not answer")
        finally:
            gone.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _refusal(self, scope: Scope, query: dict[str, str]) -> list[dict[str, Any]] | None:
        """What is answered to who asks for the messages once, where that is no success."""
        answer: list[dict[str, Any]] = []

        async def kept(message: dict[str, Any]) -> None:
            answer.append(message)

        left_out = (b"cookie", b"last-event-id")
        inner = {
            **scope,
            "path": ASKED,
            "raw_path": ASKED.encode(),
            "query_string": urlencode({**query, "size": "1"}).encode(),
            "headers": [(name, value) for name, value in scope["headers"] if name not in left_out],
        }
        await self._otherwise(inner, _nothing_more(), kept)
        return None if answer and answer[0].get("status") == 200 else answer

    async def _tell(self, stream: "_Stream", asked: Asked, after: str) -> None:
        await stream.begin()
        found = await self._found(asked, after)
        if found is None:
            return
        with self._watch.waking(found.account, stream.wake):
            while found is not None and not stream.over.is_set():
                after = await stream.write(found.feed) or after
                if len(found.feed.messages) < MOST_AT_ONCE:
                    await stream.rest()
                stream.wake.clear()
                found = None if stream.over.is_set() else await self._found(asked, after)

    async def _found(self, asked: Asked, after: str) -> Found | None:
        return await self._run(partial(self._read, asked, after, self._clock.now()))

    async def _run(self, ask: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, with_own_connection, ask)


class _Stream:
    """One stream on its way to whoever asked for it."""

    def __init__(self, send: Any, limits: StreamLimits) -> None:
        self._send = send
        self._limits = limits
        self.wake = asyncio.Event()
        self.over = asyncio.Event()

    def end(self, *_: object) -> None:
        self.over.set()
        self.wake.set()

    async def begin(self) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": list(_HEAD)})
        await self._write(f"retry: {self._limits.retry_ms}\n\n")

    async def write(self, feed: Feed) -> str:
        """The place behind the last message of a feed; "" where it has none."""
        if feed.messages:
            await self._write("".join(map(_event, feed.messages)))
        return feed.next if feed.messages else ""

    async def rest(self) -> None:
        """Until something may be new, or it is time to ask whether there is; writes comments meanwhile."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.check_s
        while not self.wake.is_set() and (left := until - loop.time()) > 0:
            try:
                async with asyncio.timeout(min(left, self._limits.comment_s)):
                    await self.wake.wait()
            except TimeoutError:
                await self._write(":\n\n")

    async def _write(self, text: str) -> None:
        async with asyncio.timeout(self._limits.stuck_s):
            await self._send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _event(message: Shown) -> str:
    return f"id: {place_of_shown(message)}\ndata: {message.model_dump_json()}\n\n"


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _nothing_more() -> Callable[[], Awaitable[dict[str, Any]]]:
    """A request without a body, from somebody who waits for the answer."""
    is_told = False

    async def receive() -> dict[str, Any]:
        nonlocal is_told
        if is_told:
            await asyncio.Event().wait()
        is_told = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive


async def _refuse(send: Any, status: int, sentence: str, more: tuple[bytes, bytes]) -> None:
    body = json_bytes({"error": sentence})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
