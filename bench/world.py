"""Ten million events of a software company: 100,000 accounts over 90 days, the same on every machine.

Sizes of accounts are log-normal, weekends are quiet, and what happens carries the properties that the package `saas`
declares. One seal per day, written through the log, then compacted.
"""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from numpy.typing import NDArray

from keepwell.facts.event_name import NameCode
from keepwell.lake.log import EventLog, schema_of
from keepwell.lake.snapshot import PropertyColumn

SEED: Final = 20261120
EVENTS: Final = 10_000_000
ACCOUNTS: Final = 100_000
DAYS: Final = 90
START: Final = datetime(2026, 6, 1, tzinfo=UTC)
END: Final = START + timedelta(days=DAYS)
DAY: Final = timedelta(days=1) // timedelta(microseconds=1)
WEEKEND: Final = 0.35
MOST_CONTACTS: Final = 1_000
BUILD: Final = Path(__file__).parents[1] / "build"
CATALOGUE: Final = Path(__file__).parents[1] / "src" / "keepwell" / "models" / "saas" / "catalogue.yaml"

# How often each thing happens, in thousands of the events above.
SHARES: Final[Mapping[str, int]] = {
    "signed_in": 2_000,
    "feature_used": 4_200,
    "session_ended": 700,
    "usage_recorded": 1_200,
    "api_called": 250,
    "docs_viewed": 400,
    "ticket_opened": 130,
    "ticket_replied": 160,
    "feature_requested": 40,
    "integration_requested": 15,
    "community_posted": 70,
    "onboarding_step_completed": 120,
    "payment_succeeded": 170,
    "payment_failed": 12,
    "invoice_overdue": 8,
    "integration_used": 320,
    "meeting_held": 50,
    "message_replied": 40,
    "message_received": 35,
    "referral_made": 6,
    "case_study_agreed": 2,
    "subscription_changed": 72,
}
# Every account also tells its subscription once, on the first day.
NAMES: Final = {name: code for code, name in enumerate(SHARES, 1)}
CODES: Final = {name: NameCode(code, START) for name, code in NAMES.items()}
SUBSCRIPTION: Final = NAMES["subscription_changed"]

Integers = NDArray[np.int64]


def properties() -> dict[str, PropertyColumn]:
    """Every property of the catalogue, with the type of its column."""
    found: dict[str, PropertyColumn] = {}
    for event in yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["events"].values():
        for name, told in event.get("properties", {}).items():
            found[name] = "text" if told["type"] == "text" else "number"
    return found


def world() -> EventLog:
    """The log, written once and kept under build/ by a digest of this file and the properties."""
    text = Path(__file__).read_bytes() + repr(sorted(properties().items())).encode()
    home = BUILD / f"bench-{hashlib.sha256(text).hexdigest()[:16]}"
    log = EventLog(home / "lake" / "events")
    if (home / "complete").exists():
        return log
    shutil.rmtree(home, ignore_errors=True)
    log.create(properties())
    for number, rows in enumerate(days(), 1):
        log.append(rows, writer="bench", number=number)
    log.compact()
    (home / "complete").touch()
    return log


def days() -> Iterator[pa.Table]:
    """One table of rows per day, in order of time; the first tells every account's subscription too."""
    random = np.random.default_rng(SEED)
    columns = properties()
    sizes = random.lognormal(0.0, 1.2, ACCOUNTS)
    edges = np.cumsum(sizes) / sizes.sum()
    contacts = np.clip(sizes * 4, 1, MOST_CONTACTS).astype(np.int64)
    weights = np.array([WEEKEND if (START + timedelta(days=day)).weekday() >= 5 else 1.0 for day in range(DAYS)])
    counts = (weights / weights.sum() * (EVENTS - ACCOUNTS)).astype(np.int64)
    counts[-1] += EVENTS - ACCOUNTS - counts.sum()
    shares = np.array(list(SHARES.values())) / sum(SHARES.values())
    for day, count in enumerate(counts.tolist()):
        accounts = np.minimum(np.searchsorted(edges, random.random(count)), ACCOUNTS - 1)
        names = random.choice(list(NAMES.values()), count, p=shares)
        times = np.clip(random.normal(14.0, 4.0, count), 1, 23.99) * (DAY / 24)
        if day == 0:
            accounts = np.concatenate([np.arange(ACCOUNTS), accounts])
            names = np.concatenate([np.full(ACCOUNTS, SUBSCRIPTION), names])
            times = np.concatenate([np.arange(ACCOUNTS), times])
        order = np.argsort(times, kind="stable")
        yield _rows(random, day, accounts[order], names[order], times[order].astype(np.int64), contacts, columns)


def _rows(
    random: np.random.Generator,
    day: int,
    accounts: Integers,
    names: Integers,
    times: Integers,
    contacts: Integers,
    columns: Mapping[str, PropertyColumn],
) -> pa.Table:
    size = len(accounts)
    at = times + (START - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) + day * DAY
    known_at = at + random.exponential(2e6, size).astype(np.int64)
    # A few contacts of an account do most of what is done there.
    contact = (random.random(size) ** 2 * contacts[accounts]).astype(np.int64)
    schema = schema_of(columns)
    values = {
        "account": accounts + 1,
        "contact": pa.array((accounts + 1) * MOST_CONTACTS + contact, mask=names == SUBSCRIPTION),
        "name": names.astype(np.int32),
        "at": pa.array(at, pa.timestamp("us", "UTC")),
        "known_at": pa.array(known_at, pa.timestamp("us", "UTC")),
        "source": pa.repeat(pa.scalar("product"), size),
        "message_id": pc.binary_join_element_wise(f"{day:03}", pa.array(np.arange(size)).cast(pa.string()), "-"),
        "tie": random.integers(-(2**63), 2**63 - 1, size),
        "imported": pa.repeat(pa.scalar(False), size),
        "props": pa.array(np.where(names == NAMES["signed_in"], '{"browser":"firefox"}', None), pa.string()),
        **{f"p_{name}": told for name, told in _told(random, names).items()},
    }
    missing = {field.name: pa.nulls(size, field.type) for field in schema if field.name not in values}
    return pa.table({**values, **missing}).select(schema.names).cast(schema)


def _told(random: np.random.Generator, names: Integers) -> dict[str, pa.Array]:
    size = len(names)

    def of(events: str, values: NDArray[np.generic]) -> pa.Array:
        return pa.array(values, mask=~np.isin(names, [NAMES[name] for name in events.split()]))

    def one_of(prefix: str, most: int) -> NDArray[np.generic]:
        choices = np.array([f"{prefix}_{number}" for number in range(most)])
        return choices[(random.random(size) ** 2 * most).astype(np.int64)]

    def flag(share: float) -> NDArray[np.float64]:
        return (random.random(size) < share).astype(np.float64)

    return {
        "feature": of("feature_used feature_requested", one_of("feature", 24)),
        "core": of("feature_used", flag(0.5)),
        "advanced": of("feature_used", flag(0.2)),
        "session_minutes": of("session_ended", np.round(random.lognormal(2.5, 1.0, size), 1)),
        "usage_units": of("usage_recorded", np.round(random.lognormal(4.0, 1.0, size), 2)),
        "calls": of("api_called", np.floor(random.lognormal(5.0, 1.5, size))),
        "sentiment": of("ticket_opened ticket_replied", np.round(random.uniform(-1, 1, size), 3)),
        "severity": of("ticket_opened", one_of("severity", 4)),
        "onboarding_share": of("onboarding_step_completed", np.round(random.random(size), 2)),
        "on_time": of("payment_succeeded", flag(0.93)),
        "amount": of("payment_succeeded payment_failed invoice_overdue", np.round(random.lognormal(5, 1, size), 2)),
        "integration": of("integration_used integration_requested", one_of("integration", 9)),
        "with_executive": of("meeting_held", flag(0.15)),
        "mrr": of("subscription_changed", np.round(random.lognormal(6, 1, size), 2)),
        "seats": of("subscription_changed", np.floor(random.lognormal(2, 1, size)) + 1),
        "team_seats": of("subscription_changed", np.floor(random.lognormal(2, 1, size))),
        "usage_limit": of("subscription_changed", np.floor(random.lognormal(7, 1, size))),
        "features_in_plan": of("subscription_changed", 8.0 + np.floor(random.random(size) * 16)),
    }
