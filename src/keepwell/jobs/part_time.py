"""How long the parts of a piece of work take, for whoever watches the worker."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_TIMES: Final[ContextVar[dict[str, float] | None]] = ContextVar("part_times", default=None)


@contextmanager
def timing() -> Iterator[dict[str, float]]:
    """Collects the seconds that each `part` within takes, the same part added up."""
    times: dict[str, float] = {}
    token = _TIMES.set(times)
    try:
        yield times
    finally:
        _TIMES.reset(token)


@contextmanager
def part(name: str) -> Iterator[None]:
    """One part of what is being timed; costs nothing where nobody times."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        times = _TIMES.get()
        if times is not None:
            times[name] = times.get(name, 0.0) + time.perf_counter() - begun
