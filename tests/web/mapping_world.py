"""A home whose programs send names of their own: python -m tests.web.mapping_world fills KEEPWELL_HOME."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import django
import pyarrow as pa

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.facts.arrival import ARRIVALS


def plant_names(home: Home, now: datetime) -> None:
    from keepwell.jobs.catalogue import read_catalogue
    from keepwell.jobs.ingest import ImportPlan, do_import_events
    from keepwell.jobs.mapping import do_derive_history
    from keepwell.jobs.package import do_publish_package, log_columns, ready_log
    from keepwell.store.models import Member
    from tests.web.world import BREAKOUT, EMAIL, MARKER, PASSWORD

    # Name, source, how many events, and what they carry.
    sent = (
        ("Report Exported", "web-app", 240, {"featureName": "reports", "core": True, "rows": 1200}),
        ("Report Exported", "desktop", 35, {"featureName": "reports", "core": True}),
        ("user.login", "web-app", 180, {"method": "sso", "browser": "firefox"}),
        (
            "Ticket created in help desk",
            "help-desk",
            42,
            {"severity": "high", "channel": "mail", "subject": "It is slow"},
        ),
        ("heartbeat", "desktop", 900, {}),
        (f"evil{MARKER}", f"h{BREAKOUT}", 3, {f"k{MARKER}": BREAKOUT, "text": MARKER}),
        ("Feature Used", "web-app", 60, {"feature": "export"}),
    )
    Member.objects.create_user(EMAIL, PASSWORD, name="Ada", role="owner")
    do_publish_package(home, "saas", note="", by=EMAIL, now=now)
    ready_log(home, log_columns(read_catalogue(home)))
    rows = [
        {
            "account": f"acme-{number % 5}", "contact": f"c{number % 9}", "name": name,
            "at": now - timedelta(hours=3 + number * 5), "known_at": now - timedelta(hours=3 + number * 5),
            "source": source, "message_id": f"{name}-{number}", "imported": True, "props": json.dumps(props),
        }
        for name, source, count, props in sent
        for number in range(count)
    ]  # fmt: skip
    do_import_events(home, [pa.RecordBatch.from_pylist(rows, ARRIVALS)], ImportPlan("x", "x"), by=EMAIL, now=now)
    do_derive_history(home, by=EMAIL, now=now)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepwell.web.settings")
    django.setup()
    plant_names(Home(Path(os.environ["KEEPWELL_HOME"])), SystemClock().now())
