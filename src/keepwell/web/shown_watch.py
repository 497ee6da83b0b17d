"""Looks for messages that the product shows, once in a while for all streams of the process together."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from django.db import DatabaseError, InterfaceError

from keepwell.base.clock import Clock

T = TypeVar("T")
Run = Callable[[Callable[[], T]], Awaitable[T]]
# Clocks of workers differ, and what they settle is seen a moment later.
LOOKED_BACK: Final = timedelta(minutes=1)
_log = logging.getLogger(__name__)


class ShownWatch:
    """Wakes streams when something new is there for their account. It looks only while there are streams.

    `look` gives the messages since a moment, each as its id and that of its account. For one event loop.
    """

    def __init__(
        self,
        look: Callable[[datetime], Sequence[tuple[int, int]]],
        run: "Run[Sequence[tuple[int, int]]]",
        clock: Clock,
        every_s: float,
    ) -> None:
        self._look = look
        self._run = run
        self._clock = clock
        self._every_s = every_s
        self._waiting: dict[int, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._seen: set[int] = set()

    @contextmanager
    def waking(self, account: int, wake: asyncio.Event) -> Iterator[None]:
        """Within it, `wake` is set whenever something new is there for the account."""
        self._waiting[account].add(wake)
        if self._task is None:
            self._task = asyncio.create_task(self._look_on())
        try:
            yield
        finally:
            self._waiting[account].discard(wake)
            if not self._waiting[account]:
                del self._waiting[account]
            if not self._waiting:
                self._task.cancel()
                self._task = None

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                rows = await self._run(partial(self._look, self._clock.now() - LOOKED_BACK))
            except (DatabaseError, InterfaceError):
                # Each stream asks for itself, too, and ends where it cannot.
                _log.warning("What is new for the product to show could not be asked for")
                continue
            fresh = {account for message, account in rows if message not in self._seen}
            self._seen = {message for message, _ in rows}
            for account in fresh & self._waiting.keys():
                for wake in self._waiting[account]:
                    wake.set()
