"""A small package whose score is what one event says, and a home that lives through it by the real turns."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.facts.arrival import ARRIVALS
from keepwell.facts.inbound import Inbound, Reading
from keepwell.jobs.cycle import Cycle
from keepwell.jobs.inbox import Arrival, Inbox
from keepwell.jobs.package import do_publish_package
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.store.models import Alert, Milestone, ModelVersion, Opportunity, Source

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BY = "ops@example.com"

PACKAGE: Final = {
    "package.yaml": "package: gym\ntitle: Gym\nversion: 1\nmodels: [model.yaml]\n",
    "catalogue.yaml": """\
events:
  signed_in: {title: Signed in, about: A contact signed in.}
  feature_used: {title: Feature used, about: A contact used a feature.}
  mood_told: {title: Mood told, about: "The score, as it is.", properties: {mood: {type: number}}}
  payment_failed: {title: Payment failed, about: A try to collect money failed.}
  seats_asked: {title: Seats asked for, about: Somebody asked for more seats.}
  limit_reached: {title: Limit reached, about: The plan is used up.}
  plan_raised: {title: Plan raised, about: The account took a larger plan.}
  first_report: {title: First report, about: The account made its first report.}
  complained: {title: Complained, about: A contact complained.}
  touch_sent: {title: Touch sent, about: We wrote to a contact.}
  subscription_changed:
    title: Subscription changed
    about: What the account pays.
    properties: {mrr: {type: number}, currency: {type: text}, status: {type: text}, seats: {type: number}}
""",
    "metrics.yaml": """\
metrics:
  mood: {title: Mood, kind: last_value, unit: number, better: up, events: [mood_told], property: mood}
""",
    "model.yaml": """\
model: gym
title: Health score
version: 1
bands:
  - {id: critical, lo: 0, label: Critical, colour: red, icon: stop, tier: emergency}
  - {id: at_risk, lo: 30, label: At risk, colour: yellow, icon: diamond, tier: watch}
  - {id: healthy, lo: 60, label: Healthy, colour: green, icon: disc, tier: stable}
trend: {days: 30, stable_within: 5}
groups:
  - id: all
    title: All
    weight: 100
    parts:
      - {metric: mood, weight: 100, scale: {kind: linear, from: 0, to: 100}}
""",
    "alerts.yaml": """\
policies:
  slow: {dwell: 2h, clear: 6h, cool_down: 3d, fast: {fall: 15, days: 7}}
  event: {cool_down: 1d}
alerts:
  payment:
    title: A payment failed
    severity: high
    when: {event: {events: [payment_failed], within: 7d}}
    policy: event
    respond: 2h
  away:
    title: Nobody signed in
    severity: medium
    when: {absence: {events: [signed_in], for: 72h}}
  unused:
    title: No feature was used
    severity: low
    when: {absence: {events: [feature_used], for: 7d}}
  critical:
    title: Health is critical
    severity: critical
    when: {band: critical}
    supersedes: [weak]
  weak:
    title: Health is weak
    severity: medium
    when: {score: {below: 60}}
    policy: slow
""",
    "opportunities.yaml": """\
value: largest
blocked:
  falling: {when: {score: {below: 60}}, because: the account is falling}
won: [{events: [plan_raised]}]
contacted: [{events: [touch_sent]}]
opportunities:
  seats:
    title: More seats
    type: ADD_SEATS
    urgency: medium
    when: {event: {events: [seats_asked], within: 5d}}
    worth: {kind: fixed, amount: 100, currency: EUR, per: month, basis: five seats}
    recommend: OFFER_SEATS
    confidence: 0.4
  limit:
    title: The plan is used up
    type: UPGRADE
    urgency: high
    when: {event: {events: [limit_reached], within: 5d}}
    worth: {kind: fixed, amount: 3000, currency: EUR, per: year, basis: the plan above}
    recommend: OFFER_PLAN
    confidence: 0.6
""",
    "milestones.yaml": """\
unwise:
  upset: {when: {event: {events: [complained], within: 3d}}, because: a complaint is open}
awards:
  riser: {title: Riser of the month, places: 1, least_rise: 5}
milestones:
  report: {title: The first report, once: true, when: {event: {events: [first_report], within: 1d}}}
""",
    "segments.yaml": """\
segments:
  content: {title: Content, when: {score: {at_least: 60}}}
""",
}


@dataclass(frozen=True)
class Told:
    """One event as its sender tells it."""

    account: str
    name: str
    at: datetime
    props: dict[str, object] = field(default_factory=dict)
    message: str = ""

    @property
    def id(self) -> str:
        return self.message or f"{self.account}-{self.name}-{self.at.isoformat()}"

    @property
    def text(self) -> str | None:
        return json.dumps(self.props) if self.props else None


@dataclass
class Gym:
    home: Home
    inbox: Inbox
    cycle: Cycle

    def publish(self, **files: tuple[str, str]) -> ModelVersion:
        """Publish the package with parts of its files put in place of others, `alerts=(old, new)`."""
        write_package(self.home, {f"{name}.yaml": change for name, change in files.items()})
        new, same = do_publish_package(self.home, "gym", note="", by=BY, now=NOW)
        return [*new, *same][0]

    def send(self, now: datetime, *events: Told, source: str = "app") -> None:
        row = Source.objects.get_or_create(name=source, defaults={"connector": "http", "created_at": NOW})[0]
        inbound = [
            Inbound(one.id, one.name, microseconds(one.at), one.account, "ada", one.text or "") for one in events
        ]
        self.inbox.put(Arrival(row.pk, 0, now, "segment", Reading(inbound))).result()

    def turn(self, *moments: datetime) -> None:
        for moment in moments:
            self.cycle.do_run_cycle(now=moment)

    def live(self, now: datetime, *events: Told, source: str = "app") -> datetime:
        """Send, and run the next turn; gives the moment of the turn."""
        self.send(now, *events, source=source)
        turn = now + timedelta(seconds=20)
        self.turn(turn)
        return turn


@contextmanager
def gym(folder: Path) -> Iterator[Gym]:
    inbox = Inbox()
    inbox.start()
    try:
        home = Home(folder)
        found = Gym(home, inbox, Cycle(home, embedded_engine(), Calendar()))
        found.publish()
        yield found
    finally:
        inbox.stop()


def write_package(home: Home, changes: dict[str, tuple[str, str]]) -> None:
    folder = home.packages / "gym"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in PACKAGE.items():
        old, new = changes.get(name, ("", ""))
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1) if old else text)


def microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def mood(account: str, at: datetime, value: float) -> Told:
    return Told(account, "mood_told", at, {"mood": value})


def arrivals(events: Iterable[Told], source: str = "old") -> pa.Table:
    """Events as an import brings them."""
    rows = [
        {
            "account": one.account,
            "contact": "ada",
            "name": one.name,
            "at": one.at,
            "known_at": one.at + MINUTE,
            "source": source,
            "message_id": one.id,
            "imported": True,
            "props": one.text,
        }
        for one in events
    ]
    return pa.Table.from_pylist(rows, ARRIVALS)


def open_now() -> set[tuple[str, str]]:
    rows = Alert.objects.filter(closed_at=None, account__isnull=False)
    return set(rows.values_list("account__key", "rule"))


def told_ever() -> list[tuple[str, str]]:
    """Every alert of an account ever opened, with repetitions."""
    return sorted(Alert.objects.filter(account__isnull=False).values_list("account__key", "rule"))


def signals() -> Sequence[int]:
    """How many alerts, opportunities and milestones there are."""
    return (Alert.objects.count(), Opportunity.objects.count(), Milestone.objects.count())
