"""keepwell worker: seal what came in and keep the scores fresh, until told to stop."""

import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.home import Home
from keepwell.cli.start import start

if TYPE_CHECKING:
    from keepwell.jobs.cycle import Cycle

IDLE_S: Final = 1.0
AFTER_FAILURE_S: Final = 10.0
STOP_S: Final = 20.0
_log = logging.getLogger("keepwell.worker")


def worker(
    beside: Annotated[int | None, typer.Option(hidden=True, help="Stop when this process is gone.")] = None,
) -> None:
    """Move what came in into the event log and score the accounts that have news. `keepwell serve` starts one."""
    settings = start()
    from keepwell.jobs.cycle import Cycle
    from keepwell.lake.duckdb_engine import embedded_engine

    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with _alone(settings.home):
        cycle = Cycle(Home(settings.home), embedded_engine(), settings.calendar)
        while not stop.is_set() and (beside is None or os.getppid() == beside):
            stop.wait(_turn(cycle))


@contextmanager
def worker_beside() -> Iterator[None]:
    """A worker in a process of its own, which ends with this one."""
    command = [sys.executable, "-m", "keepwell.cli.main", "worker", "--beside", str(os.getpid())]
    process = subprocess.Popen(command, start_new_session=True)  # noqa: S603  # our own command
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _turn(cycle: "Cycle") -> float:
    """Seconds to wait before the next turn. A turn that failed is tried again: nothing is lost by it."""
    try:
        report = cycle.do_run_cycle(now=SystemClock().now())
    except Exception:  # noqa: BLE001
        # The worker must outlive a full disk and a database that is away.
        _log.exception("A turn failed; the next one comes in %d seconds", AFTER_FAILURE_S)
        return AFTER_FAILURE_S
    if not report.was_idle:
        _log.info("Sealed %d events, %d of them new; scored %d accounts", report.sealed, report.accepted, report.scored)
    return IDLE_S


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / "worker.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"A worker is running on {home} already. 'keepwell serve' starts one; use 'serve --no-worker' to run "
                "it apart."
            ) from None
        yield
