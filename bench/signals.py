"""Measures a look at touched accounts and at all of them, on SQLite: python bench/signals.py [accounts].

The rules are those of tests/flows/signal_world.py, ten times over. What the engine needs is not counted.
"""

import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

TOUCHED = 1_000
COPIES = 10


def main(count: int) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    with TemporaryDirectory() as folder:
        os.environ.update(KEEPWELL_HOME=folder, DJANGO_SETTINGS_MODULE="keepwell.web.settings")
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        measure(Path(folder), count)


def measure(folder: Path, count: int) -> None:
    from keepwell.base.business_time import Calendar
    from keepwell.base.home import Home
    from keepwell.jobs import score_accounts
    from keepwell.jobs.ingest import ImportPlan, do_import_events
    from keepwell.jobs.package import do_publish_package
    from keepwell.jobs.project import do_project_accounts
    from keepwell.lake.duckdb_engine import embedded_engine
    from keepwell.store.models import Account
    from tests.flows.signal_world import BY, DAY, NOW, PACKAGE, Told, arrivals, mood, write_package

    home = Home(folder)
    write_package(home, {})
    found = yaml.safe_load(PACKAGE["alerts.yaml"])
    rules = found["alerts"]
    found["alerts"] = {
        name if number == 0 else f"{name}_{number}": rule if number == 0 else {**rule, "supersedes": []}
        for number in range(COPIES)
        for name, rule in rules.items()
    }
    (home.packages / "gym" / "alerts.yaml").write_text(json.dumps(found))
    (version,), _ = do_publish_package(home, "gym", note="", by=BY, now=NOW)
    told = (
        one
        for number in range(count)
        for account in [f"a{number:06}"]
        for one in (
            mood(account, NOW - DAY * (number % 20 + 1), number % 100),
            Told(account, "signed_in", NOW - DAY * (number % 4 + 0.5)),
            Told(account, "feature_used", NOW - DAY * (number % 10 + 0.5)),
        )
    )
    do_import_events(home, arrivals(told).to_batches(), ImportPlan("old", ""), by=BY, now=NOW)
    do_project_accounts(home, None, now=NOW)
    taken: list[float] = []
    detect = score_accounts.do_detect_signals

    def timed(*args: object, **known: object) -> None:
        begun = time.perf_counter()
        detect(*args, **known)  # type: ignore[arg-type]
        taken.append(time.perf_counter() - begun)

    score_accounts.do_detect_signals = timed  # type: ignore[assignment]
    touched = list(Account.objects.order_by("pk").values_list("pk", flat=True)[:TOUCHED])
    turns = [("first, all", None), ("touched", touched), ("touched again", touched), ("all again", None)]
    for number, (name, accounts) in enumerate(turns):
        moment = NOW + timedelta(minutes=number)
        score_accounts.do_score_accounts(
            home, embedded_engine(), version, [moment], accounts=accounts, detects=Calendar(), by=BY, now=moment
        )
        print(f"{name}: {taken[-1]:.2f} s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
