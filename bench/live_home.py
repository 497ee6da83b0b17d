"""Makes the home that bench/live.py drives: a software company with a history, scored once.

Prints a sending key, a reading key, and the accounts with a contact of each, as JSON.
"""

import json
import sys
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from keepwell.base.clock import SystemClock
from keepwell.cli.start import start_new
from keepwell.facts.arrival import ARRIVALS
from keepwell.simulator.simulate import simulate

SEED: Final = 20261128
# A key may ask only so often.
READERS: Final = 20
DAYS: Final = 60
# Plain use makes most of a history; of it this share is kept, so that 10,000 accounts have about 1.7 million events.
USE: Final = ("feature_used", "signed_in", "session_ended", "usage_recorded", "api_called")
USE_SHARE: Final = 0.33
# A key of the command line acts for whoever runs Keepwell.
BY: Final = "cli:bench"


def history(accounts: int, until: datetime) -> pa.Table:
    """Arrivals of the simulated company until a moment, each known one minute after it happened."""
    events = simulate("saas", seed=SEED, accounts=accounts, days=DAYS, until=until)
    is_kept = np.random.default_rng(SEED).random(len(events)) < USE_SHARE
    events = events.filter(pc.or_(pa.array(is_kept), pc.invert(pc.is_in(events["event"], pa.array(USE)))))
    size = len(events)
    columns = {
        "account": events["account"],
        "contact": events["contact"],
        "name": events["event"],
        "at": events["timestamp"],
        "known_at": pa.array(events["timestamp"].to_numpy() + np.timedelta64(60, "s"), pa.timestamp("us", "UTC")),
        "source": pa.repeat(pa.scalar("app"), size),
        "message_id": events["message_id"],
        "imported": pa.repeat(pa.scalar(True), size),
        "props": events["properties"],
    }
    return pa.table(columns).cast(ARRIVALS)


def prepare(accounts: int) -> None:
    settings = start_new()
    from keepwell.base.home import Home
    from keepwell.jobs.cycle import Cycle
    from keepwell.jobs.ingest import ImportPlan, do_import_events
    from keepwell.jobs.key import do_create_key
    from keepwell.jobs.mapping import do_derive_history
    from keepwell.jobs.package import do_publish_package
    from keepwell.jobs.project import do_project_accounts
    from keepwell.jobs.secret import open_vault
    from keepwell.jobs.source import do_create_source
    from keepwell.lake.duckdb_engine import embedded_engine
    from keepwell.store.models import Account, Contact

    home, now = Home(settings.home), SystemClock().now()
    do_publish_package(home, "saas", note="", by=BY, now=now)
    do_derive_history(home, by=BY, now=now)
    arrivals = history(accounts, now - timedelta(minutes=2))
    do_import_events(home, arrivals.to_batches(max_chunksize=50_000), ImportPlan("app", "history"), by=BY, now=now)
    do_project_accounts(home, None, now=now)
    do_create_source("app", vault=open_vault(settings), by=BY, now=now)
    sending = do_create_key("srv", source="app", by=BY, now=now)[1]
    reading = [do_create_key("red", by=BY, now=now)[1] for _ in range(READERS)]
    # The log gets the columns of every package, and every account its first score.
    cycle = Cycle(home, embedded_engine(), settings.calendar)
    while not cycle.do_run_cycle(now=SystemClock().now()).was_idle:
        pass
    contacts = dict(Contact.objects.order_by("-pk").values_list("account_id", "key"))
    running = Account.objects.filter(churned_on=None).order_by("pk").values_list("pk", "key")
    told = [[pk, key, contacts[pk]] for pk, key in running if pk in contacts]
    print(json.dumps({"sending": sending, "reading": reading, "events": len(arrivals), "accounts": told}))


if __name__ == "__main__":
    prepare(int(sys.argv[1]))
