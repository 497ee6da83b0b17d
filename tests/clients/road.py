"""Passes bytes between a program and the server, notes what the program was told, and loses answers when asked to."""

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_CHUNK = 65_536
T = TypeVar("T")


class Road:
    """One address on loopback that leads to the server.

    `told` counts the answers that reached the program by status, `lost` those that were taken off the road
    with their connection after the server had sent them, and `broken` the requests that the server left unanswered.
    """

    def __init__(self, to: int) -> None:
        self.to = to
        self.port = 0
        self.told: Counter[int] = Counter()
        self.lost = 0
        self.broken = 0
        # Of how many answers that say "taken" one is lost; 0 for none.
        self.lose_every = 0
        self._taken = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the program, to its end."""
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            self.broken += 1
            writer.transport.abort()
            return
        asked = _Asked()
        there = asyncio.create_task(self._there(reader, server, asked))
        back = asyncio.create_task(self._back(answers, writer, asked))
        await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        for task in (there, back):
            task.cancel()
        await asyncio.gather(there, back, return_exceptions=True)
        for end in (server, writer):
            end.transport.abort()

    async def _there(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, asked: "_Asked") -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                asked.waits = True
                server.write(chunk)
                await server.drain()

    async def _back(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: "_Asked") -> None:
        with suppress(OSError):
            while chunk := await answers.read(_CHUNK):
                asked.waits = False
                for status in _STATUS.findall(chunk):
                    if self._is_lost(int(status)):
                        return
                    self.told[int(status)] += 1
                writer.write(chunk)
                await writer.drain()
        self.broken += asked.waits

    def _is_lost(self, status: int) -> bool:
        if status not in (200, 202):
            return False
        self._taken += 1
        if self.lose_every and self._taken % self.lose_every == 0:
            self.lost += 1
            return True
        return False


class _Asked:
    """Whether a request waits for its answer."""

    waits = False


@contextmanager
def roads(count: int, to: int) -> Iterator[list[Road]]:
    """Open roads, carried by a thread of their own."""
    found = [Road(to) for _ in range(count)]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    servers = [_wait(loop, asyncio.start_server(road.carry, "127.0.0.1", 0)) for road in found]
    for road, server in zip(found, servers, strict=True):
        road.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        for server in servers:
            loop.call_soon_threadsafe(server.close)
        _wait(loop, _end_tasks())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _wait(loop: asyncio.AbstractEventLoop, what: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(what, loop).result()


async def _end_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
