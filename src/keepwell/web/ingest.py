"""The intake: events by HTTP, answered only when they are on disk.

A bare ASGI application in front of the pages: these few paths carry most requests, and a framework
would cost several times what reading the events costs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from keepwell.base.clock import Clock
from keepwell.base.instant import microseconds
from keepwell.base.registry import kinds
from keepwell.connectors import kinds as connector_kinds
from keepwell.connectors.body_key import key_in_body
from keepwell.connectors.connector import Connector, Delivery, UnsignedError
from keepwell.connectors.dialect import Dialect, Sender, dialect_kinds
from keepwell.facts.inbound import EVENT_BYTES, Reading, Refusal, UnreadableError
from keepwell.jobs.door import ClosedError, Door
from keepwell.jobs.inbox import Arrival, Inbox, NotCertainError
from keepwell.jobs.key import Held, without_keys
from keepwell.store.models import Source
from keepwell.web.intake_answer import Answer, refused, taken
from keepwell.web.intake_request import (
    Scope,
    headers,
    json_bytes,
    public_url,
    query,
    read_body,
    shown_key,
)

Application = Callable[[Scope, Any, Any], Awaitable[None]]

SEGMENT_CALLS: Final = ("track", "identify", "group", "page", "screen", "alias", "batch", "import")
# The browser SDK spells calls with one letter.
SEGMENT_LETTERS: Final = ("t", "i", "g", "p", "s", "a", "b", "m")
PATHS: Final[Mapping[str, str]] = {
    **{f"/v1/{call}": "segment" for call in (*SEGMENT_CALLS, *SEGMENT_LETTERS)},
    "/v1/metrics": "otlp",
    "/v1/cloudevents": "cloudevents",
    **dict.fromkeys(("/batch", "/capture", "/i/v0/e", "/e"), "posthog"),
}
HOOKS: Final = "/hooks/"
# More than a connector reads, so that what it must refuse can be kept.
HOOK_BYTES: Final = 4 * 1024 * 1024
READ_AT_ONCE: Final = 128 * 1024
RETRY_AFTER_S: Final = 5
CORS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding, x-retry-count"),
    (b"access-control-max-age", b"86400"),
)


class Intake:
    """Takes what belongs to the intake and hands everything else on."""

    def __init__(self, otherwise: Application, door: Door, inbox: Inbox, clock: Clock) -> None:
        self._otherwise = otherwise
        self._door = door
        self._inbox = inbox
        self._clock = clock
        self._dialects: Mapping[str, Dialect] = {name: kind() for name, kind in dialect_kinds().items()}
        self._connectors: Mapping[str, Connector] = {
            name: kind() for name, kind in kinds(connector_kinds, Connector).items()
        }

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope["path"] if scope["type"] == "http" else ""
        dialect = PATHS.get(path) or PATHS.get(path.rstrip("/"))
        if dialect is not None:
            answer = await self._events(self._dialects[dialect], scope, receive)
            await _reply(send, answer, CORS)
        elif path.startswith(HOOKS):
            await _reply(send, await self._hook(path.removeprefix(HOOKS), scope, receive), ())
        else:
            await self._otherwise(scope, receive, send)

    async def _events(self, dialect: Dialect, scope: Scope, receive: Any) -> Answer:
        if scope["method"] == "OPTIONS":
            return Answer(204, b"")
        if scope["method"] != "POST":
            return refused(405, "method", "Send events by POST.", ((b"allow", b"POST, OPTIONS"),))
        now = self._clock.now()
        try:
            return await self._taken(dialect, scope, receive, now)
        except (ClosedError, NotCertainError):
            return _later("The events could not be written. Send them again.")

    async def _taken(self, dialect: Dialect, scope: Scope, receive: Any, now: datetime) -> Answer:
        shown = shown_key(scope)
        if shown.is_in_url:
            return await self._leaked(scope, now)
        body, failure = await _body(scope, receive)
        if failure is not None and not shown.text:
            # The key may be in a body that nobody can read.
            return refused(failure.status, failure.code, failure.sentence)
        text = shown.text or key_in_body(body) or ""
        held = await self._door.key(text, now=now) if text else None
        if held is None:
            return _unknown(text)
        denial = self._denial(held, scope, now)
        if denial is not None:
            return denial
        sender = await self._door.sender(held, now=now)
        # What was sent before this moment is known; the clock is read once the last byte is here.
        known_at = self._clock.now()
        reading = Reading()
        if failure is None:
            try:
                reading = await self._read(dialect, body, sender, scope, known_at)
            except UnreadableError as error:
                failure = error
        await self._keep(Arrival(held.source_id, held.id, known_at, dialect.kind, reading), failure, body)
        self._door.note_use(now=now)
        if failure is not None:
            return refused(failure.status, failure.code, failure.sentence)
        return taken(dialect.kind, reading, headers(scope))

    async def _read(self, dialect: Dialect, body: bytes, sender: Sender, scope: Scope, known_at: datetime) -> Reading:
        """Reading a hostile body takes half a second, in which others must be answered."""
        read = partial(
            dialect.read, body, sender, path=scope["path"], headers=headers(scope), known_at=microseconds(known_at)
        )
        return await asyncio.to_thread(read) if len(body) > READ_AT_ONCE else read()

    async def _keep(self, arrival: Arrival, failure: UnreadableError | None, body: bytes) -> None:
        """Returns once everything is on disk. A request that cannot be read at all is kept as one refused event."""
        if failure is not None:
            arrival.reading.refusals.append(
                Refusal(0, failure.code, failure.sentence, "", without_keys(body[:EVENT_BYTES]))
            )
        if arrival.reading.received:
            await self._inbox.take(arrival)

    async def _leaked(self, scope: Scope, now: datetime) -> Answer:
        await self._door.note_leak(query(scope), now=now)
        sentence = (
            "A key must not be in the address, where logs keep it. Send it in the Authorization header, and replace "
            "this one by 'keepwell key create'."
        )
        return refused(400, "key_in_url", sentence)

    def _denial(self, held: Held, scope: Scope, now: datetime) -> Answer | None:
        if not held.source_id:
            sentence = "This key may not send events; use a key that begins with ing_ or srv_."
            return refused(403, "scope", sentence)
        if not held.may_come_from(_address(scope)):
            return refused(403, "address", "This key may not be used from this address.")
        wait_s = self._door.wait_s(held, now=now)
        return _too_many(wait_s) if wait_s else None

    async def _hook(self, rest: str, scope: Scope, receive: Any) -> Answer:
        kind, _, name = rest.strip("/").partition("/")
        connector = self._connectors.get(kind)
        if connector is None:
            known = ", ".join(self._connectors)
            return refused(404, "connector", f"There is no connector of that name. There are: {known}.")
        if scope["method"] != "POST":
            return refused(405, "method", "Send hooks by POST.", ((b"allow", b"POST"),))
        now = self._clock.now()
        try:
            return await self._delivered(connector, name, scope, receive, now)
        except (ClosedError, NotCertainError):
            return _later("The delivery could not be written. Send it again.")
        except UnreadableError as error:
            return refused(error.status, error.code, error.sentence)

    async def _delivered(self, connector: Connector, name: str, scope: Scope, receive: Any, now: datetime) -> Answer:
        body = await read_body(scope, receive, HOOK_BYTES)
        delivery = Delivery(scope["method"], public_url(scope), headers(scope), body, microseconds(now))
        failed: UnsignedError | None = None
        for source, secrets in await self._door.sources(connector.kind, name, now=now):
            try:
                connector.verify(delivery, secrets, source.settings)
            except UnsignedError as error:
                failed = failed or error
                continue
            return await self._kept(connector, delivery, source, now)
        sentence = str(failed) if failed else "No source takes these deliveries. Add one with 'keepwell source add'."
        return refused(401, "unsigned", sentence)

    async def _kept(self, connector: Connector, delivery: Delivery, source: Source, now: datetime) -> Answer:
        reading, failure = Reading(), None
        try:
            reading = connector.read(delivery, source.settings)
        except UnreadableError as error:
            failure = error
        await self._keep(Arrival(source.pk, 0, now, f"hook:{connector.kind}", reading), failure, delivery.body)
        if failure is not None:
            return refused(failure.status, failure.code, failure.sentence)
        return Answer(200, json_bytes({"taken": len(reading.events), "rejected": len(reading.refusals)}))

    async def _live(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._inbox.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                self._inbox.stop()
                self._door.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _reply(send: Any, answer: Answer, more: tuple[tuple[bytes, bytes], ...]) -> None:
    length = str(len(answer.body)).encode()
    told = [(b"content-type", answer.content_type), (b"content-length", length), *answer.headers, *more]
    await send({"type": "http.response.start", "status": answer.status, "headers": told})
    await send({"type": "http.response.body", "body": answer.body})


async def _body(scope: Scope, receive: Any) -> tuple[bytes, UnreadableError | None]:
    try:
        return await read_body(scope, receive), None
    except UnreadableError as error:
        return b"", error


def _unknown(text: str) -> Answer:
    sentence = "This key is unknown, revoked or expired, or its source was stopped."
    if not text:
        sentence = "Send a key: as the user of Basic authorization, as a Bearer token, or in the body."
    return refused(401, "key", sentence, ((b"www-authenticate", b'Basic realm="Keepwell"'),))


def _later(sentence: str) -> Answer:
    return refused(503, "not_certain", sentence, ((b"retry-after", str(RETRY_AFTER_S).encode()),))


def _too_many(wait: float) -> Answer:
    seconds = str(max(1, int(wait + 0.999))).encode()
    sentence = f"This key has sent more requests than it may. Come back in {seconds.decode()} seconds."
    return refused(429, "too_many", sentence, ((b"retry-after", seconds), (b"x-ratelimit-reset", seconds)))


def _address(scope: Scope) -> str:
    """Where the request came from, "" where the server does not tell."""
    peer = scope.get("client")
    return peer[0] if peer else ""
