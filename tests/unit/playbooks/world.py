"""A small package with playbooks, accounts to enrol, and what is known of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import numpy as np

from keepwell.base.business_time import Calendar
from keepwell.health.load import load_package
from keepwell.health.package import PackageText
from keepwell.health.score import nano
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.enrolment import Enrolment
from keepwell.playbooks.facts import Facts
from keepwell.playbooks.load import load_playbooks
from keepwell.playbooks.playbook import Playbook
from keepwell.signals.book import SignalBook
from keepwell.signals.load import load_signals
from keepwell.signals.panel import Panel
from tests.unit.health.samples import sample

# A Monday.
START = datetime(2026, 6, 1, 8, tzinfo=UTC)
BANDS = ("low", "high")
ALERTS = """\
alerts:
  fell: {title: Fell, severity: high, when: {score: {below: 50}}}
  silent: {title: Silent, severity: low, when: {metric: {seats: {below: 2}}}}
"""
HEAD = "title: One\nstarts_on: fell\npriority: 10\n"


def package(**playbooks: str) -> PackageText:
    """The sample package with two alerts and these playbooks by id."""
    base = sample()
    files = {f"playbooks/{name}.yaml": text for name, text in playbooks.items()}
    return PackageText(base.folder, {**base.files, "alerts.yaml": ALERTS, **files})


@cache
def signals() -> SignalBook:
    return load_signals(package(), load_package(package(), {}))


def book(**playbooks: str) -> PlaybookBook:
    return load_playbooks(package(**playbooks), signals())


def playbook(steps: str, more: str = "") -> Playbook:
    """A playbook of these steps, each written on a line of its own."""
    lines = "".join(f"  - {line.strip()}\n" for line in steps.strip().splitlines())
    return book(one=f"{HEAD}{more}steps:\n{lines}").playbooks["one"]


def enrolled(zone: str = "UTC", *, at: datetime = START, score: str | None = "30", arm: str = "") -> Enrolment:
    return Enrolment(
        playbook="one",
        version=1,
        account="acme",
        started_at=at,
        signal="fell",
        arm=arm,
        contact_calendar=Calendar(zone=zone),
        team_calendar=Calendar(zone=zone),
        nano_points_at_start=None if score is None else nano(Decimal(score)),
        band_at_start="" if score is None else band_of(score),
    )


def band_of(score: str) -> str:
    return BANDS[Decimal(score) >= 50]


def facts(
    score: str | None = "30",
    *,
    seats: float | None = 5.0,
    replied_at: datetime | None = None,
    is_churned: bool = False,
    is_opted_out: bool = False,
    is_signal_open: bool | None = True,
) -> Facts:
    panel = Panel(
        as_of=START,
        accounts=np.array([1], dtype=np.int64),
        bands=BANDS,
        has_score=np.array([score is not None]),
        nano_points=np.array([0 if score is None else nano(Decimal(score))], dtype=np.int64),
        band=np.array([-1 if score is None else BANDS.index(band_of(score))]),
        band_before=np.array([-1]),
        trend=np.array([""], dtype=np.object_),
        metrics={"seats": np.array([np.nan if seats is None else seats])},
    )
    return Facts(
        panel=panel,
        replied_at=replied_at,
        is_churned=is_churned,
        is_opted_out=is_opted_out,
        is_signal_open=is_signal_open,
    )


def hours(number: float) -> timedelta:
    return timedelta(hours=number)
