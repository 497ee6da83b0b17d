"""What tests of several workers run as processes of their own: `feed` and `work`."""

import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta

from keepwell.base.business_time import Calendar
from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.cli.start import start
from keepwell.facts.values import Values
from keepwell.lake.engine import Engine, Question
from keepwell.lake.log import EventLog

ACCOUNTS_A_TURN = 20


class Telling:
    """The engine, which also prints whom it is asked for as of now, and stops its process once if so wished.

    What trends compare with, days ago, it answers silently.
    """

    def __init__(self, engine: Engine, *, stops: bool) -> None:
        self._engine = engine
        self._stops = stops

    def values(self, log: EventLog, question: Question) -> Sequence[Values]:
        if question.moments[-1].as_of < SystemClock().now() - timedelta(days=1):
            return self._engine.values(log, question)
        print(json.dumps({"asked": question.accounts}), flush=True)
        found = self._engine.values(log, question)
        if self._stops and question.accounts is not None:
            self._stops = False
            os.kill(os.getpid(), signal.SIGSTOP)
        return found


def feed(accounts: int, mark: str) -> None:
    """One event of each account, durable when this returns."""
    start()
    from keepwell.facts.inbound import Inbound, Reading
    from keepwell.jobs.inbox import Arrival, Inbox
    from keepwell.store.models import Source

    now = SystemClock().now()
    at = int(now.timestamp() * 1_000_000)
    names = [f"account-{number:03}" for number in range(accounts)]
    events = [Inbound(f"{mark}-{name}", "signed_in", at, name, f"ada@{name}", "") for name in names]
    inbox = Inbox()
    inbox.start()
    inbox.put(Arrival(Source.objects.get(name="app").pk, 0, now, "segment", Reading(events))).result()
    inbox.stop()


def work(lease_s: float, *, stops: bool) -> None:
    """Turns without end; after each a line says how many accounts it scored."""
    settings = start()
    from keepwell.jobs import cycle
    from keepwell.lake.duckdb_engine import embedded_engine

    cycle.ACCOUNTS_A_TURN = ACCOUNTS_A_TURN  # type: ignore[misc]
    engine = Telling(embedded_engine(), stops=stops)
    turns = cycle.Cycle(Home(settings.home), engine, Calendar(), lease=timedelta(seconds=lease_s))  # type: ignore[arg-type]
    while True:
        print(json.dumps({"scored": turns.do_run_cycle(now=SystemClock().now()).scored}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "feed":
        feed(int(sys.argv[2]), sys.argv[3])
    else:
        work(float(sys.argv[2]), stops=sys.argv[3] == "stops")
