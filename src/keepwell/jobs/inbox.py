"""The inbox: events are durable and counted before their sender hears that they were taken.

One thread commits. It takes every request that waits, writes all of them in one transaction and only
then lets the answers go, so that many small requests cost as little as a few large ones. A request
whose commit is not certain is told so, and its sender sends it again.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

import msgspec
from django.db import DatabaseError, InterfaceError, connection, transaction

from keepwell.base.crash_point import crash_point
from keepwell.facts.inbound import Inbound, Reading, Refusal
from keepwell.jobs.ledger import Counts, Entry, Row, add_counts, hour_of, insert_rows, stored_time

# What may wait for a commit; beyond it senders are asked to come back.
WAITING_BYTES: Final = 64 * 1024 * 1024
COMMIT_REQUESTS: Final = 256
# How long one waits for a commit; a database that is busy is waited for about half as long.
COMMIT_S: Final = 60.0
SENTENCE_CHARACTERS: Final = 500
_BATCHES: Final = "store_inboxbatch (source, key, known_at, hour, events, body)"
_REJECTED: Final = "store_rejectedevent (source, key, known_at, dialect, code, sentence, message_id, contact, body)"
_log = logging.getLogger(__name__)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Inbound]).decode


class NotCertainError(Exception):
    """The events may or may not be on disk; only sending them again makes sure."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request as it was understood. `key` is 0 where none was used."""

    source: int
    key: int
    known_at: datetime
    dialect: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrival: Arrival
    body: bytes
    done: "Future[None]"


class Inbox:
    """The committing thread. `start` may be called again: while it runs that changes nothing."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._bytes = 0
        self._lock = threading.Lock()
        self._is_failing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Commit what waits, then end."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    async def take(self, arrival: Arrival) -> None:
        """Returns once the events are on disk; NotCertainError when that cannot be said."""
        await asyncio.wrap_future(self.put(arrival))

    def put(self, arrival: Arrival) -> "Future[None]":
        """Hand over without waiting; the result is there once the events are on disk."""
        body = _encode(arrival.reading.events) if arrival.reading.events else b""
        size = len(body) + sum(len(refusal.body) for refusal in arrival.reading.refusals)
        with self._lock:
            if self._bytes and self._bytes + size > WAITING_BYTES:
                raise NotCertainError("too much waits to be written")
            self._bytes += size
        waiting = _Waiting(arrival, body, Future())
        self._waiting.put(waiting)
        return waiting.done

    def keep(self, arrival: Arrival) -> None:
        """Hand over and wait: returns once the events are on disk; NotCertainError when that cannot be said."""
        try:
            self.put(arrival).result(COMMIT_S)
        except TimeoutError:
            raise NotCertainError(f"the events were not on disk after {COMMIT_S:.0f} seconds") from None

    def _run(self) -> None:
        is_over = False
        while not is_over:
            group, is_over = self._next()
            if group:
                self._settle(group, _committed(group))
        connection.close()

    def _next(self) -> tuple[list[_Waiting], bool]:
        """Everything that waits, at least one request, unless the end was asked for."""
        group: list[_Waiting] = []
        found = self._waiting.get()
        while found is not None:
            group.append(found)
            if len(group) == COMMIT_REQUESTS:
                return group, False
            try:
                found = self._waiting.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _tell(self, error: NotCertainError | None) -> None:
        """Once when commits begin to fail and once when they succeed again; a line for each would fill the disk."""
        if error is not None and not self._is_failing:
            _log.error("Events cannot be written, and their senders are told to come again: %s", error)
        elif error is None and self._is_failing:
            _log.warning("Events are written again.")
        self._is_failing = error is not None

    def _settle(self, group: Sequence[_Waiting], error: NotCertainError | None) -> None:
        self._tell(error)
        size = sum(len(one.body) + sum(len(refusal.body) for refusal in one.arrival.reading.refusals) for one in group)
        with self._lock:
            self._bytes -= size
        for one in group:
            if error is None:
                one.done.set_result(None)
            else:
                one.done.set_exception(error)


def do_write_arrival(arrival: Arrival) -> None:
    """Write what we tell of ourselves, in the transaction of what it tells of."""
    _write([_Waiting(arrival, _encode(arrival.reading.events), Future())])


@cache
def inbox_of_process() -> Inbox:
    """The one inbox that everything in a serving process shares; whoever uses it starts it."""
    return Inbox()


def read_batch(body: bytes) -> list[Inbound]:
    """The events of an inbox row."""
    return _decode(body)


def pack_batch(events: Sequence[Inbound]) -> bytes:
    """The body of an inbox row."""
    return _encode(events)


def rejected_row(source: int, key: int, known_at: datetime, dialect: str, refusal: Refusal, contact: str = "") -> Row:
    """What is kept of an event that was not taken."""
    sentence = _storable(refusal.sentence, SENTENCE_CHARACTERS)
    told = (dialect, refusal.code, sentence, _storable(refusal.message_id), _storable(contact), refusal.body)
    return (source, key, stored_time(known_at), *told)


def write_rejected(rows: Sequence[Row]) -> None:
    insert_rows(_REJECTED, rows)


def _committed(group: Sequence[_Waiting]) -> NotCertainError | None:
    try:
        with transaction.atomic():
            _write(group)
            crash_point("inbox: before commit")
        crash_point("inbox: after commit")
    except Exception as error:  # noqa: BLE001
        # Whatever went wrong, the senders must hear that they have to come again, and the next group goes on. A
        # connection that failed once may be half dead, so the next commit opens a new one.
        _drop_connection()
        return NotCertainError(f"{type(error).__name__}: {error}")
    return None


def _write(group: Sequence[_Waiting]) -> None:
    counts: Counts = Counts()
    batches: list[Row] = []
    rejected: list[Row] = []
    for one in group:
        arrival = one.arrival
        hour = hour_of(arrival.known_at)
        source, key, reading = arrival.source, arrival.key, arrival.reading
        counts[Entry(source, key, hour, "received")] += reading.received
        if reading.events:
            times = (stored_time(arrival.known_at), stored_time(hour))
            batches.append((source, key, *times, len(reading.events), one.body))
        for refusal in reading.refusals:
            counts[Entry(source, key, hour, "rejected", refusal.code)] += 1
            rejected.append(rejected_row(source, key, arrival.known_at, arrival.dialect, refusal))
    insert_rows(_BATCHES, batches)
    write_rejected(rejected)
    add_counts(counts)


def _drop_connection() -> None:
    try:
        connection.close()
    except (DatabaseError, InterfaceError):
        connection.connection = None


def _storable(text: str, longest: int = 512) -> str:
    """Neither database keeps NUL or a lone surrogate in a text; the bytes themselves are in the body."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:longest]
