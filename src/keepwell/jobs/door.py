"""Who may send what: keys, connectors' secrets and the trusted event names, remembered for a few seconds.

The database is asked in a thread of its own, so that a slow one delays only those who are new at the
door. While it does not answer, a key that was known shortly before is still let in: its events will be
refused as not certain if they cannot be written.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Generic, TypeVar

from django.db import DatabaseError, InterfaceError, connection

from keepwell.base.allowance import Allowance
from keepwell.base.home import Home
from keepwell.base.settings import Settings
from keepwell.connectors.dialect import Sender
from keepwell.jobs.catalogue import read_catalogue
from keepwell.jobs.key import Held, do_note_leak, do_note_limit, do_note_use, keys_in, read_key, secrets_of
from keepwell.jobs.mapping import rules_wanted
from keepwell.jobs.meaning import guarded_names
from keepwell.jobs.secret import open_vault
from keepwell.store.models import Source

FRESH: Final = timedelta(seconds=5)
CATALOGUE_FRESH: Final = timedelta(minutes=1)
# How long an answer may be used while the database gives no newer one.
STALE: Final = timedelta(minutes=5)
REMEMBERED: Final = 10_000
USE_NOTED_EVERY: Final = timedelta(minutes=1)
LIMIT_NOTED_EVERY: Final = timedelta(hours=1)
# No address holds more keys than this but to waste our time.
LEAKS_NOTED: Final = 5

_log = logging.getLogger(__name__)

T = TypeVar("T")


class ClosedError(Exception):
    """The database does not answer, and nothing recent is remembered."""


@dataclass(frozen=True, slots=True)
class _Remembered(Generic[T]):
    value: T
    at: datetime


@dataclass(frozen=True, slots=True)
class _Guarded:
    """Every spelling of the trusted events, and of those whose properties become traits."""

    trusted: frozenset[str]
    telling: frozenset[str]


class Door:
    """What the intake must know before it reads a request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._allowance = Allowance(max(1, settings.intake_requests_a_minute))
        self._used: set[int] = set()
        self._use_noted: datetime | None = None
        self._limit_noted: dict[int, datetime] = {}
        self._known: OrderedDict[tuple[str, str], _Remembered[object]] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, "door")
        # What is written waits for other writers, which nobody at the door should.
        self._notes = ThreadPoolExecutor(1, "notes")

    async def key(self, text: str, *, now: datetime) -> Held | None:
        """The key if it is valid now, None if not; ClosedError when that cannot be found out."""
        held = await self._asked(("key", text), lambda: read_key(text, now=now), FRESH, now)
        if held is not None and held.expires_at is not None and held.expires_at <= now:
            return None
        if held is not None:
            self._used.add(held.id)
        return held

    async def sources(self, connector: str, name: str, *, now: datetime) -> Sequence[tuple[Source, list[str]]]:
        """The active sources of a connector, or the one of this name, with their secrets."""
        return await self._asked(("source", f"{connector}/{name}"), lambda: self._secrets(connector, name), FRESH, now)

    async def sender(self, held: Held, *, now: datetime) -> Sender:
        """What the holder of this key may send."""
        names = await self._asked(
            ("names", held.source_name), lambda: self._guarded_names(held.source_name), CATALOGUE_FRESH, now
        )
        return Sender(held.is_trusted, trusted_names=names.trusted, telling_names=names.telling)

    async def note_leak(self, address: str, *, now: datetime) -> None:
        """Flag every key that stands in an address; ClosedError when that cannot be written."""
        for text in keys_in(address)[:LEAKS_NOTED]:
            await self._run(self._notes, partial(do_note_leak, text, where="an address", now=now))

    def wait_s(self, held: Held, *, now: datetime) -> float:
        """0 when this key may send one more request now, else after how many seconds it may."""
        wait_s = self._allowance.wait_s(held.id, now.timestamp())
        if wait_s:
            self._note_limit(held, now)
        return wait_s

    def close(self) -> None:
        self._thread.shutdown()
        self._notes.shutdown()

    def note_use(self, *, now: datetime) -> None:
        """Write down once a minute which keys were used, behind the answer."""
        if self._use_noted is not None and now - self._use_noted < USE_NOTED_EVERY:
            return
        used, self._used, self._use_noted = self._used, set(), now
        if used:
            self._notes.submit(_noted, lambda: do_note_use(used, now=now))

    def _note_limit(self, held: Held, now: datetime) -> None:
        before = self._limit_noted.get(held.id)
        if before is None or now - before >= LIMIT_NOTED_EVERY:
            self._limit_noted[held.id] = now
            limit = f"{self._settings.intake_requests_a_minute} requests a minute"
            self._notes.submit(_noted, lambda: do_note_limit(held, limit=limit, now=now))

    def _secrets(self, connector: str, name: str) -> list[tuple[Source, list[str]]]:
        return secrets_of(connector, name or None, vault=open_vault(self._settings))

    def _guarded_names(self, source: str) -> "_Guarded":
        """Under every spelling that the catalogue and the mapping know, when this source sends it."""
        home = Home(self._settings.home)
        return _Guarded(*guarded_names(rules_wanted(home), read_catalogue(home), source))

    async def _asked(self, place: tuple[str, str], ask: Callable[[], T], fresh: timedelta, now: datetime) -> T:
        found: _Remembered[T] | None = self._known.get(place)  # type: ignore[assignment]  # of the type asked for
        if found is not None and now - found.at < fresh:
            return found.value
        try:
            value = await self._run(self._thread, ask)
        except ClosedError:
            if found is not None and now - found.at < STALE:
                return found.value
            raise
        self._known[place] = _Remembered(value, now)
        self._known.move_to_end(place)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return value

    async def _run(self, thread: ThreadPoolExecutor, ask: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, with_own_connection, ask)
        except (DatabaseError, InterfaceError) as error:
            raise ClosedError(str(error)) from error


def _noted(write: Callable[[], None]) -> None:
    """No request fails because something beside it could not be noted."""
    try:
        with_own_connection(write)
    except (DatabaseError, InterfaceError):
        _log.exception("What a key did could not be noted")


def with_own_connection(ask: Callable[[], T]) -> T:
    """What a question to the database answers; one that fails leaves its thread no connection to fail by again."""
    try:
        return ask()
    except (DatabaseError, InterfaceError):
        connection.close()
        raise
