"""keepwell worker: seal what came in and keep the scores fresh, until told to stop."""

import fcntl
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.home import Home
from keepwell.cli.start import start
from keepwell.cli.worker_report import WorkerReport

if TYPE_CHECKING:
    from keepwell.base.settings import Settings
    from keepwell.jobs.cycle import Cycle
    from keepwell.jobs.deliver_touch import Outbox

# From the start of a turn that did something to that of the next.
BUSY_S: Final = 1.0
# At least this much of a turn is left to others, such as those who send and read.
REST_S: Final = 0.05
IDLE_S: Final = 0.5
ASIDE_IDLE_S: Final = 2.0
# Scores wait for messages no longer than this; what takes longer is confirmed in a later turn.
NOTIFY_WAIT_S: Final = 0.05
COLLECTED_AFTER: Final = (100_000, 20, 50)
AFTER_FAILURE_S: Final = 10.0
STOP_S: Final = 20.0
_log = logging.getLogger("keepwell.worker")


def worker(
    beside: Annotated[int | None, typer.Option(hidden=True, help="Stop when this process is gone.")] = None,
) -> None:
    """Move what came in into the event log and score the accounts that have news. `keepwell serve` starts one.

    With PostgreSQL several may run on one home and share the work.
    """
    settings = start()
    from keepwell.jobs.cycle import Cycle
    from keepwell.jobs.deliver import Post
    from keepwell.jobs.deliver_touch import Outbox
    from keepwell.lake.duckdb_engine import embedded_engine

    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    # A turn makes a million short-lived objects; to look through all others a hundred times would double its time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)
    with _admitted(settings.home, is_shared=bool(settings.database_url)):
        post = Post(settings, wait_s=NOTIFY_WAIT_S)
        cycle = Cycle(Home(settings.home), embedded_engine(), settings.calendar, post=post, asks_experts=False)
        # In threads of their own: neither do a slow mail server and an expert hold up scores, nor much to score them.
        outbox = Outbox(settings)
        courier = threading.Thread(target=_deliver, args=(outbox, stop), name="outbox", daemon=True)
        courier.start()
        for title, work in (("experts", _consult), ("auditor", _audit)):
            threading.Thread(target=work, args=(settings, stop), name=title, daemon=True).start()
        report = WorkerReport(_log)
        while not stop.is_set() and (beside is None or os.getppid() == beside):
            stop.wait(_turn(cycle, report))
        stop.set()
        courier.join(STOP_S)


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


def _deliver(outbox: "Outbox", stop: threading.Event) -> None:
    """Until told to stop; then what is on its way may still arrive."""
    _again_and_again(lambda: bool(outbox.do_deliver_touches(now=SystemClock().now())), "Delivering messages", stop)
    outbox.close(now=SystemClock().now())


def _consult(settings: "Settings", stop: threading.Event) -> None:
    """Have experts write what tasks wait for."""
    from keepwell.jobs.diagnosis import do_write_diagnoses
    from keepwell.lake.duckdb_engine import embedded_engine

    home = Home(settings.home)
    _again_and_again(
        lambda: do_write_diagnoses(home, embedded_engine(), now=SystemClock().now()) > 0, "Asking experts", stop
    )


def _again_and_again(act: Callable[[], bool], what: str, stop: threading.Event) -> None:
    """Until told to stop, at once again after something was done. As with a turn, nothing is lost by a failure."""
    while not stop.is_set():
        pause = ASIDE_IDLE_S
        try:
            if act():
                pause = REST_S
        except Exception:  # noqa: BLE001
            _log.exception("%s failed; it is tried again in %d seconds", what, AFTER_FAILURE_S)
            _drop_dead_connection()
            pause = AFTER_FAILURE_S
        stop.wait(pause)


def _audit(settings: "Settings", stop: threading.Event) -> None:
    """In a thread of its own, so that it sees when the others hang; a look that fails gives no heartbeat."""
    from keepwell.channels.heartbeat import send_heartbeat
    from keepwell.jobs.auditor import AUDITED_EVERY, Auditor

    url = settings.heartbeat_url
    auditor = Auditor(settings.calendar, (lambda: send_heartbeat(url)) if url else None)
    # Not at once: what waited while no worker ran has a minute to move.
    while not stop.wait(AUDITED_EVERY.total_seconds()):
        try:
            auditor.do_audit(now=SystemClock().now())
        except Exception:  # noqa: BLE001
            _log.exception("The auditor could not look; it tries again in a minute")
            _drop_dead_connection()


def _turn(cycle: "Cycle", report: WorkerReport) -> float:
    """Seconds to wait before the next turn. A turn that failed is tried again: nothing is lost by it."""
    begun = time.monotonic()
    try:
        done = cycle.do_run_cycle(now=SystemClock().now())
    except Exception:  # noqa: BLE001
        # The worker must outlive a full disk and a database that is away.
        _log.exception("A turn failed; the next one comes in %d seconds", AFTER_FAILURE_S)
        _drop_dead_connection()
        return AFTER_FAILURE_S
    took = time.monotonic() - begun
    report.add(done, took, now=begun + took)
    return IDLE_S if done.was_idle else max(REST_S, BUSY_S - took)


def _drop_dead_connection() -> None:
    """One that failed while nothing was being written would be used again, and fail again."""
    from django.db import close_old_connections

    close_old_connections()


@contextmanager
def _admitted(home: Path, *, is_shared: bool) -> Iterator[None]:
    """One worker on a home, or any number where they share a database that tells them apart."""
    with (home / "worker.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB if is_shared else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"A worker is running on {home} already. 'keepwell serve' starts one; use 'serve --no-worker' to run "
                "it apart. Several workers on one home need PostgreSQL."
            ) from None
        if not is_shared:
            _end_claims()
        yield


def _end_claims() -> None:
    """Nobody else works here, so whoever had claimed something was killed."""
    from keepwell.jobs.touch import do_end_claims

    do_end_claims()
