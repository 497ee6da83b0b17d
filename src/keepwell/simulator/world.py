"""Small worlds made by hand, for tests: nothing in them is left to chance."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa

from keepwell.simulator.batch import SCHEMA

Value = str | float | bool
FEATURES = ("projects", "boards", "comments", "reports", "automations", "dashboards", "timelines", "forms")

_TERMS: Mapping[str, Value] = {
    "change": "new",
    "status": "active",
    "plan": "team",
    "mrr": 300.0,
    "currency": "USD",
    "seats": 5,
    "team_seats": 5,
    "usage_limit": 6000,
    "features_in_plan": 8,
    "advanced_features_in_plan": 2,
}
_DETAIL: Mapping[str, Mapping[str, Value]] = {
    "community_posted": {"place": "forum"},
    "feature_requested": {"feature": "forms", "in_higher_plan": True},
    "docs_viewed": {"page": "reports"},
    "integration_used": {"integration": "crm"},
    "message_received": {"channel": "email", "sentiment": 0.6},
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a hand-made world."""

    account: str
    event: str
    at: datetime
    contact: str | None = None
    properties: Mapping[str, Value] = field(default_factory=dict)


def world(happenings: Iterable[Happening]) -> pa.Table:
    """The same columns as a simulated history, in order of time; equal times stay in the order given."""
    ordered = sorted(happenings, key=lambda happening: happening.at)
    rows = [
        {
            "message_id": f"world-{number:06d}",
            "account": one.account,
            "contact": one.contact,
            "event": one.event,
            "timestamp": one.at,
            "properties": json.dumps(dict(one.properties), allow_nan=False),
        }
        for number, one in enumerate(ordered)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def three_accounts(until: datetime) -> list[Happening]:
    """180 days of Acme, which thrives, Borealis, which slides from its 90th day, and Cobalt, unused in the last 40."""
    return [*_life("acme", until, _acme), *_life("borealis", until, _borealis), *_life("cobalt", until, _cobalt)]


@dataclass(frozen=True, slots=True)
class _Day:
    """How an account does on a day: uses of features by each contact, how many contacts, and the mood."""

    uses: int
    contacts: int
    mood: float


def _acme(ago: int) -> _Day:
    return _Day(uses=6 - ago // 45, contacts=5 - ago // 60, mood=0.6)


def _borealis(ago: int) -> _Day:
    if ago >= 90:
        return _Day(uses=4, contacts=4, mood=0.4)
    return _Day(uses=1 + ago // 30 if ago % 3 == 0 or ago > 45 else 0, contacts=1 + ago // 30, mood=ago / 90 - 0.7)


def _cobalt(ago: int) -> _Day:
    return _Day(uses=3 if ago > 70 else int(ago > 40), contacts=3 if ago > 70 else 1, mood=-0.8)


def _life(key: str, until: datetime, doing: Callable[[int], _Day]) -> Iterator[Happening]:
    start = until - timedelta(days=180)
    yield Happening(key, "account_created", start, properties={"name": key.capitalize()})
    yield Happening(key, "subscription_changed", start, properties=_TERMS)
    yield from (
        Happening(key, "account_added_user", start, f"{key}-{number}", {"role": "admin" if number == 1 else "end_user"})
        for number in range(1, 6)
    )
    yield Happening(key, "onboarding_completed", start + timedelta(days=5), f"{key}-1", {"onboarding_share": 1.0})
    for ago in range(179, 0, -1):
        at = until - timedelta(days=ago) + timedelta(hours=10)
        if at.weekday() < 5:
            yield from _day(key, at, doing(ago))
        if ago % 30 == 0:
            yield from _month(key, at, doing(ago))


def _day(key: str, at: datetime, day: _Day) -> Iterator[Happening]:
    if day.uses == 0:
        return
    for number in range(1, day.contacts + 1):
        contact = f"{key}-{number}"
        yield Happening(key, "signed_in", at, contact, {"surface": "web"})
        for use in range(day.uses):
            used: dict[str, Value] = {
                "feature": FEATURES[(number + use) % len(FEATURES)],
                "core": use < 3,
                "advanced": use == 4,
            }
            yield Happening(key, "feature_used", at + timedelta(minutes=5 + use), contact, used)
    yield Happening(
        key, "usage_recorded", at + timedelta(hours=9), properties={"usage_units": 10.0 * day.uses * day.contacts}
    )


def _month(key: str, at: datetime, day: _Day) -> Iterator[Happening]:
    """What happens once in 30 days; only in a good mood does anybody meet us, ask for more or bring others."""
    first = f"{key}-1"
    if day.mood > -0.3:
        yield Happening(key, "payment_succeeded", at, properties={"amount": 300.0, "on_time": True})
    else:
        yield Happening(key, "payment_failed", at, properties={"amount": 300.0, "reason": "declined"})
    if day.uses:
        yield Happening(
            key, "ticket_opened", at, first, {"severity": "normal", "topic": "how_to", "sentiment": day.mood}
        )
    if day.mood > 0.5:
        yield Happening(key, "meeting_held", at, f"{key}-2", {"with_executive": True, "minutes": 30})
        for event in ("community_posted", "feature_requested", "docs_viewed", "integration_used", "message_received"):
            yield Happening(key, event, at, first, _DETAIL.get(event, {}))
        yield Happening(key, "referral_made", at, first)
