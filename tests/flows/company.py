"""A small made-up company, taken in and scored through the real jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from keepwell.base.home import Home
from keepwell.facts.arrival import ARRIVALS
from keepwell.jobs.ingest import ImportOutcome, ImportPlan, do_import_events
from keepwell.jobs.package import do_publish_package
from keepwell.jobs.project import do_project_accounts
from keepwell.jobs.score_accounts import ScoringRun, do_score_accounts
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.simulator.flavour import PackageName
from keepwell.simulator.simulate import simulate
from keepwell.store.models import ModelVersion

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
BY = "ops@example.com"


@dataclass(frozen=True)
class Company:
    home: Home
    version: ModelVersion

    def take(self, arrivals: pa.Table, batches: int = 1) -> ImportOutcome:
        size = -(-len(arrivals) // batches)
        plan = ImportPlan("company", "history")
        return do_import_events(self.home, arrivals.to_batches(max_chunksize=size), plan, by=BY, now=UNTIL)

    def score(self, *moments: datetime, accounts: Sequence[int] | None = None) -> list[ScoringRun]:
        return do_score_accounts(
            self.home, embedded_engine(), self.version, moments or [UNTIL], accounts=accounts, by=BY, now=UNTIL
        )


def found_company(folder: Path, package: PackageName = "saas") -> Company:
    """A home with the package published and nothing in its log."""
    home = Home(folder)
    versions, _ = do_publish_package(home, package, note="", by=BY, now=UNTIL)
    return Company(home, versions[0])


def running_company(folder: Path, package: PackageName = "saas", *, accounts: int = 4, days: int = 90) -> Company:
    company = found_company(folder, package)
    company.take(history(package, accounts=accounts, days=days))
    do_project_accounts(company.home, None, now=UNTIL)
    return company


def history(package: PackageName = "saas", *, accounts: int = 4, days: int = 90) -> pa.Table:
    """Arrivals of a simulated company up to `UNTIL`, each known one minute after it happened."""
    events = simulate(package, seed=5, accounts=accounts, days=days, until=UNTIL)
    known = pa.array(events["timestamp"].to_numpy() + np.timedelta64(60, "s"), pa.timestamp("us", "UTC"))
    columns = {
        "account": events["account"],
        "contact": events["contact"],
        "name": events["event"],
        "at": events["timestamp"],
        "known_at": known,
        "source": pa.array(["company"] * len(events)),
        "message_id": events["message_id"],
        "imported": pa.array([True] * len(events)),
        "props": events["properties"],
    }
    return pa.table(columns).cast(ARRIVALS)


def one_event(name: str, at: datetime, *, account: str = "acme", message: str = "new", **changes: object) -> pa.Table:
    row = {
        "account": account,
        "contact": None,
        "name": name,
        "at": at,
        "known_at": at + timedelta(minutes=1),
        "source": "company",
        "message_id": message,
        "imported": True,
        "props": None,
    }
    return pa.Table.from_pylist([{**row, **changes}], ARRIVALS)
