"""Starts the intake again and again at once: everything is imported before, and each start is only a fork.

Reads commands on standard input, a JSON object a line, and answers each with one line: the pid of the new
process, or what it was asked.
"""

import json
import os
import signal
import socket
import sys
import time
from concurrent.futures import Future
from typing import Any

import numpy as np
import uvicorn


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepwell.web.settings")
    import django

    django.setup()
    warm_up()
    # Named as TCP, so that the loop turns off the delay of small packets.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    print(listener.getsockname()[1], flush=True)
    children: set[int] = set()
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "reap":
            pid, status = os.waitpid(command["pid"], 0)
            children.discard(pid)
            print(status, flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            run(command, listener)
        children.add(pid)
        print(pid, flush=True)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def warm_up() -> None:
    """Import and parse what every start needs; nothing that a fork could not take along."""
    from django.conf import settings

    import keepwell.web.asgi  # noqa: F401
    from keepwell.base.home import Home
    from keepwell.jobs import seal  # noqa: F401
    from keepwell.jobs.catalogue import read_catalogue

    read_catalogue(Home(settings.KEEPWELL.home))


def run(command: dict[str, Any], listener: socket.socket) -> None:
    """The child: never returns."""
    os.close(0)
    os.environ["KEEPWELL_CRASH_AT"] = command.get("crash_at", "")
    try:
        plant(command.get("fault", ""))
        if command["do"] == "serve":
            serve(listener)
        else:
            seal()
    finally:
        os._exit(1)


def serve(listener: socket.socket) -> None:
    from keepwell.web.asgi import application

    config = uvicorn.Config(application, log_level="error", lifespan="on", access_log=False)
    uvicorn.Server(config).run([listener])


def seal() -> None:
    """What the worker does, without scoring; ends when it is killed."""
    from django.conf import settings

    from keepwell.base.home import Home
    from keepwell.jobs.seal import Sealer

    sealer = Sealer(Home(settings.KEEPWELL.home))
    while True:
        if sealer.do_seal_inbox() is None:
            time.sleep(0.01)


def plant(fault: str) -> None:
    """A wrong design, so that the harness can be seen to find it."""
    if fault == "answer before commit":
        answer_before_commit()
    elif fault == "no identity":
        count_everything()


def answer_before_commit() -> None:
    from keepwell.jobs import inbox

    put, committed = inbox.Inbox.put, inbox._committed

    def hasty(self: inbox.Inbox, arrival: inbox.Arrival) -> "Future[None]":
        put(self, arrival)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def late(group: Any) -> Any:
        time.sleep(0.02)
        return committed(group)

    inbox.Inbox.put = hasty  # type: ignore[method-assign]
    inbox._committed = late


def count_everything() -> None:
    from keepwell.jobs import seal as sealing
    from keepwell.lake.identity import Sifted

    def all_new(database: Any, rows: Any, files: Any, **more: Any) -> Sifted:
        return Sifted(rows, np.zeros(len(rows), np.int8), [])

    sealing.sift = all_new


if __name__ == "__main__":
    main()
