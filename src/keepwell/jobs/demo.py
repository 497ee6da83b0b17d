"""Filling a demo company: a made-up history through the same doors as a real one."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
from django.db import transaction

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.connectors.report import ImportReport
from keepwell.facts.notice import CSM
from keepwell.jobs.arbitration import do_judge_touches, do_sweep_asked
from keepwell.jobs.diagnosis import do_write_diagnoses
from keepwell.jobs.home import mark_demo_home
from keepwell.jobs.import_file import do_import_file, ready_import
from keepwell.jobs.member import do_add_member, random_password
from keepwell.jobs.package import do_publish_package
from keepwell.jobs.route import do_assign_role
from keepwell.jobs.score_accounts import ScoringRun, do_score_accounts
from keepwell.jobs.touch_text import do_write_touches
from keepwell.lake.engine import Engine
from keepwell.simulator.flavour import PackageName
from keepwell.simulator.simulate import simulate
from keepwell.store.models import Member

EMAIL: Final = "demo@example.com"
DAILY_DAYS: Final = 60
WEEK: Final = 7
LIVED_DAYS: Final = 21
MESSAGES_A_DAY: Final = 10_000

IMPORT_MAP: Final = """\
source: demo
about: The history of the demo company.
account: account
contact: contact
message_id: message_id
events:
  - name: {column: event, otherwise: keep}
    time: timestamp
    properties_from: properties
"""


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """`until` ends the history; the newest scores are as of then."""

    package: PackageName
    accounts: int
    days: int
    seed: int
    until: datetime


def do_fill_demo(
    home: Home, engine: Engine, plan: DemoPlan, *, by: str, now: datetime, told: Callable[[str], None]
) -> tuple[ImportReport, list[ScoringRun]]:
    """Make the member, publish the package, import the history and score it: weekly, and daily near the end.

    The last days are gone through as if they were lived, so that their signals are there; nobody is told of them.
    """
    if not Member.objects.filter(email=EMAIL).exists():
        do_add_member(EMAIL, name="Dana Demo", role="owner", password=random_password(), by=by, now=now)
        do_assign_role(CSM, EMAIL, by=by, now=now)
    mark_demo_home(home.path, EMAIL)
    versions, same = do_publish_package(home, plan.package, note="The demo company.", by=by, now=now)
    told(f"Making up {plan.days} days of {plan.accounts} accounts")
    events = simulate(plan.package, seed=plan.seed, accounts=plan.accounts, days=plan.days, until=plan.until)
    told(f"Importing {len(events):,} events")
    with tempfile.TemporaryDirectory() as folder:
        file, map_file = Path(folder) / "history.parquet", Path(folder) / "map.yaml"
        pq.write_table(events, file)
        map_file.write_text(IMPORT_MAP, encoding="utf-8")
        report = do_import_file(home, ready_import(home, file, map_file), by=by, now=now, progress=lambda _: None)
    runs: list[ScoringRun] = []
    for version in [*versions, *same]:
        told(f"Scoring the history under {version.model}")
        runs = do_score_accounts(home, engine, version, scored_moments(plan), by=by, now=now)
        told(f"Living through the last {LIVED_DAYS} days")
        for day in range(LIVED_DAYS, -1, -1):
            moment = plan.until - timedelta(days=day)
            runs = do_score_accounts(home, engine, version, [moment], detects=Calendar(), by=by, now=moment)
            _settle_messages(home, engine, moment)
    return report, runs


def _settle_messages(home: Home, engine: Engine, now: datetime) -> None:
    """Write what playbooks say, and hold it against the one voice. Nothing leaves: a demo has no mail server."""
    do_write_touches(home, engine, now=now)
    while do_write_diagnoses(home, engine, now=now):
        pass
    with transaction.atomic():
        do_judge_touches(MESSAGES_A_DAY, is_on=False, now=now)
        do_sweep_asked(now=now)


def scored_moments(plan: DemoPlan) -> list[datetime]:
    """Every week of the history after the first month, every day of its end, but for the days that are lived."""
    daily = min(DAILY_DAYS, plan.days - 30)
    back = [*range(LIVED_DAYS + 1, daily), *range(daily, plan.days - 30, WEEK)]
    return [plan.until - timedelta(days=days) for days in back]
