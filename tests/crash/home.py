"""The two things the harness does to a home while nobody is killed: `prepare` and `drain`."""

import json
import sys
from collections import Counter

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.cli.start import start_new


def prepare() -> None:
    """A home with a package and a source; prints a server key."""
    settings = start_new()
    from keepwell.jobs.key import do_create_key
    from keepwell.jobs.package import do_publish_package
    from keepwell.jobs.secret import open_vault
    from keepwell.jobs.source import do_create_source

    now = SystemClock().now()
    do_publish_package(Home(settings.home), "saas", note="", by="test", now=now)
    do_create_source("app", vault=open_vault(settings), by="test", now=now)
    _, text = do_create_key("srv", source="app", by="test", now=now)
    print(text)


def drain() -> None:
    """Seal what waits and print the sums of the ledger."""
    settings = start_new()
    from keepwell.jobs.seal import Sealer, waiting_events
    from keepwell.store.models import LedgerCount

    sealer = Sealer(Home(settings.home))
    while sealer.do_seal_inbox() is not None:
        pass
    found: Counter[str] = Counter()
    for row in LedgerCount.objects.all():
        found[row.outcome] += row.count
    print(json.dumps({**found, "waiting": waiting_events()}))


if __name__ == "__main__":
    {"prepare": prepare, "drain": drain}[sys.argv[1]]()
