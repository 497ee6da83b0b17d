"""A made-up state for page tests: accounts with scores, reasons, contacts and events, planted in the tables.

Acme thrives, Borealis slides, Cobalt churns; Delta has no data; the Hostile account carries markup everywhere.
"""

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from keepwell.base.home import Home
from keepwell.health.weight import NANO
from keepwell.jobs.package import log_columns, read_texts, ready_log
from keepwell.lake.log import EventLog, schema_of
from keepwell.store.models import Account, Contact, CurrentScore, EventName, Member, ModelVersion, ScoreRecord
from keepwell.store.read.health_model import ModelFace, PartFace, face_of
from keepwell.store.read.package import package_of

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DAYS = 45
EMAIL, PASSWORD = "ada@keepwell.example", "correct-horse-battery"
MARKER = '<img src=x onerror="window.__ran=(window.__ran||0)+1">'
BREAKOUT = '"><svg/onload="window.__ran=1"></script><script>window.__ran=1</script>'
SHAPES = {"grow": 88, "stable": 68, "watch": 50, "act": 31, "emergency": 12}
WORDS = [
    "Aster",
    "Birch",
    "Cedar",
    "Dune",
    "Ember",
    "Fjord",
    "Grove",
    "Harbour",
    "Iris",
    "Juniper",
    "Kestrel",
    "Larch",
    "Meadow",
    "Nimbus",
    "Orchard",
    "Pebble",
    "Quarry",
    "Ridge",
    "Sable",
    "Tundra",
    "Umber",
    "Vale",
    "Willow",
    "Yarrow",
    "Zephyr",
]
KINDS = ["Analytics", "Logistics", "Health", "Robotics", "Media", "Foods", "Energy", "Finance", "Textiles", "Labs"]


@dataclass(frozen=True)
class World:
    acme: int
    borealis: int
    cobalt: int
    delta: int
    hostile: int


@dataclass(frozen=True)
class Plan:
    """How one account's score runs over the days: from one level to another, with a wave on it."""

    start: float
    end: float
    wave: float = 2.0
    drops_on: int | None = None


def plant_world(home: Path | None = None, *, now: datetime = NOW, others: int = 20) -> World:
    """Fill an empty database; with a home, put events into its log as well."""
    dice = random.Random(7)
    owners = [Member.objects.create_user(EMAIL, PASSWORD, name="Ada Byron", role="owner")]
    owners.append(Member.objects.create_user("grace@keepwell.example", None, name="Grace Hall", role="csm"))
    version = publish("saas", "model.yaml", now)
    named = [
        _account("acme", "Acme", "scale", 4200, now, owners[0], traits={"country": "NL", "industry": "Retail"}),
        _account("borealis", "Borealis", "team", 1250, now, owners[1]),
        _account("cobalt", "Cobalt", "team", 640, now, owners[0]),
        _account("delta-0", "Delta", "", None, now, None),
        _account(f"h{MARKER}", f"Hostile {MARKER}{BREAKOUT}", f"p{MARKER}", 99, now, None, traits={MARKER: BREAKOUT}),
    ]
    plans: list[Plan | None] = [Plan(84, 93, 1.5), Plan(72, 41, 2, drops_on=4), Plan(38, 9, 2), None, Plan(55, 57)]
    for number in range(others):
        name = f"{WORDS[number % len(WORDS)]} {KINDS[(number * 7) % len(KINDS)]}"
        plan_name = dice.choice(["starter", "team", "scale"])
        named.append(_account(f"acc-{number:05}", name, plan_name, dice.randrange(90, 5200), now, dice.choice(owners)))
        start = dice.choice(list(SHAPES.values())) + dice.uniform(-8, 8)
        plans.append(Plan(start, start + dice.choice([-14, -3, 0, 0, 4, 12]), dice.uniform(0.5, 4)))
    _plant_scores(face_of(version), version, named, plans, now)
    contacts = [Contact(account=named[0], key=f"c{number}", name=f"Person {number}", email=f"p{number}@acme.example",
                        role="admin" if number == 0 else "") for number in range(15)]  # fmt: skip
    contacts.append(Contact(account=named[4], key=MARKER, name=MARKER, email=MARKER, role=BREAKOUT))
    Contact.objects.bulk_create(contacts)
    if home is not None:
        ready_log(Home(home), log_columns(package_of(version).catalogue))
        plant_events(home, {named[0].pk: 0, named[4].pk: 0, named[1].pk: 480}, now)
    return World(*(account.pk for account in named[:5]))


def publish(package: str, file: str, now: datetime, number: int = 1) -> ModelVersion:
    """A version of one model of a shipped package."""
    texts = read_texts(Home(Path("nowhere")))
    lineage = [package] if package == "saas" else [package, "saas"]
    text = {f"{name}/{path}": content for name in lineage for path, content in texts[name].files.items()}
    model = next(line.split(":")[1].strip() for line in texts[package].files[file].splitlines() if line[:6] == "model:")
    return ModelVersion.objects.create(
        model=f"{package}/{model}", number=number, digest=f"{package}-{model}-{number}", text=text,
        published_at=now - timedelta(days=DAYS), published_by="test",
    )  # fmt: skip


def plant_second_model(accounts: Sequence[int], now: datetime = NOW) -> ModelVersion:
    version = publish("crypto", "technical.yaml", now)
    named = list(Account.objects.filter(pk__in=accounts).order_by("pk"))
    _plant_scores(face_of(version), version, named, [Plan(60, 66) for _ in named], now)
    return version


def plant_events(home: Path, accounts: Mapping[int, int], now: datetime) -> None:
    """130 events per account, one in seven hours, the newest so many hours ago."""
    names = [EventName.objects.create(name=name, first_known_at=now - timedelta(days=400)).pk
             for name in ("feature_used", "signed_in", f"evil{MARKER}")]  # fmt: skip
    log = EventLog(home / "lake" / "events")
    rows = []
    for account, hours in accounts.items():
        for number in range(130):
            at = now - timedelta(hours=hours + 7 * number + 1)
            properties = {"feature": MARKER if number % 2 else "export", "k" + MARKER: "javascript:alert(1)"}
            rows.append({"account": account, "contact": None, "name": names[number % 3], "at": at, "known_at": at,
                         "source": MARKER, "message_id": f"{account}-{number}", "tie": number, "imported": True,
                         "props": json.dumps(properties)})  # fmt: skip
    log.append(pa.Table.from_pylist(rows, schema_of(log.properties())), writer="test", number=1)


def _account(
    key: str, name: str, plan: str, mrr: int | None, now: datetime, owner: Member | None, traits: object = None
) -> Account:
    renewal = date(2026, 12, 1) + timedelta(days=len(name) * 17 % 300)
    return Account.objects.create(
        key=key, name=name, plan=plan, mrr=None if mrr is None else Decimal(mrr), currency="EUR" if mrr else "",
        seats=25 if mrr else None, renewal_on=renewal if mrr else None, owner=owner, traits=traits or {},
        first_event_at=now - timedelta(days=300), last_event_at=now - timedelta(hours=3),
    )  # fmt: skip


def _plant_scores(
    model: ModelFace, version: ModelVersion, accounts: Sequence[Account], plans: Sequence[Plan | None], now: datetime
) -> None:
    records = [
        record
        for place, (account, plan) in enumerate(zip(accounts, plans, strict=True))
        for record in _records(model, version, account, plan, now, place)
    ]
    ScoreRecord.objects.bulk_create(records, batch_size=400)
    newest = ScoreRecord.objects.filter(version=version, as_of=now)
    CurrentScore.objects.bulk_create([_current(version, record) for record in newest], batch_size=400)


def _current(version: ModelVersion, record: ScoreRecord) -> CurrentScore:
    lost = sorted(record.measures, key=lambda line: line["points_nano"] - line["weight_nano"])
    reasons = [{"metric": line["metric"], "lost_nano": line["weight_nano"] - line["points_nano"]} for line in lost[:3]]
    strengths = [{"metric": line["metric"], "won_nano": line["points_nano"]} for line in lost[-3:]]
    if not record.band:
        reasons = []
    return CurrentScore(account_id=record.account_id, model=version.model, record=record, band=record.band,
                        nano_points=record.nano_points, reasons=reasons, strengths=strengths)  # fmt: skip


def _records(
    model: ModelFace, version: ModelVersion, account: Account, plan: Plan | None, now: datetime, place: int
) -> Iterator[ScoreRecord]:
    measures = [measure for group in model.groups for measure in group.measures()]
    for days_ago in range(DAYS, -1, -1):
        as_of = now - timedelta(days=days_ago)
        lines = _lines(measures, plan, days_ago, place)
        nano = sum(line["points_nano"] for line in lines) if plan else None
        band = _band(model, nano)
        yield ScoreRecord(
            account=account, version=version, as_of=as_of, nano_points=nano, coverage=1.0 if plan else 0.0,
            raw_band=band, band=band, band_since=as_of, trend="stable" if plan else "", trend_nano=0 if plan else None,
            measures=lines,
        )  # fmt: skip


def _lines(measures: Sequence[PartFace], plan: Plan | None, days_ago: int, place: int) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = []
    for number, measure in enumerate(measures):
        assert measure.metric is not None
        if plan is None:
            lines.append({"metric": measure.id, "value": None, "points_nano": 0, "weight_nano": 0})
            continue
        part = 1 - days_ago / DAYS
        level = plan.start + (plan.end - plan.start) * part + plan.wave * math.sin(days_ago / 3 + place + number)
        if plan.drops_on is not None and days_ago < plan.drops_on and number < 3:
            level -= 45
        share = min(max(level + 9 * math.sin(number * 2.3 + place), 0), 100) / 100
        weight = round(measure.weight * NANO)
        lines.append({"metric": measure.id, "value": round(share, 4), "points_nano": int(weight * share),
                      "weight_nano": weight})  # fmt: skip
    return lines


def _band(model: ModelFace, nano: int | None) -> str:
    if nano is None:
        return ""
    return next(band.id for band in model.bands if nano >= band.lo * NANO)
