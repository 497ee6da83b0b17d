"""Values of fields from real events: what a contact would be told, and what nobody is told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keepwell.jobs.touch_text import do_write_touches
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.store.models import Account, Touch
from tests.flows.playbook_world import falls, known, playing, touches
from tests.flows.signal_world import DAY, HOUR, MINUTE, NOW, Gym, Told, mood

pytestmark = pytest.mark.django_db(transaction=True)

CATALOGUE: Final = """\
  part_used: {title: Part used, about: A contact used a part., properties: {feature: {type: text}}}
  units_used: {title: Units used, about: Metered use., properties: {units: {type: number}}}
  limit_told: {title: Limit told, about: What the plan includes., properties: {limit: {type: number}}}
  charge_failed:
    title: Charge failed
    about: A try failed.
    properties: {invoice: {type: text}, amount: {type: number}, currency: {type: text}}
  payment_succeeded:
    title: Paid
    about: An invoice was paid.
    properties: {invoice: {type: text}, amount: {type: number}, currency: {type: text}}
"""
METRICS: Final = """\
  depth:
    {title: Depth, about: Features in use in 30 days., kind: adoption, unit: share, better: up, events: [part_used],
     property: feature, days: 30, total: 4}
  share:
    {title: Share, kind: share_of_limit, unit: share, better: middle, days: 30,
     usage: {events: [units_used], property: units}, limit: {events: [limit_told], property: limit}}
  unpaid:
    {title: Unpaid, kind: open_items, unit: count, better: down, events: [charge_failed], of: invoice, days: 30,
     closed_by: {events: [payment_succeeded]}}
"""
SETTINGS: Final = """\
product: {name: Gym}
links: {plan: {url: 'https://gym.example/plan', about: The plan.}}
features: {row: {title: Rowing}, run: {title: Running, tip: Run to music}, swim: {title: Swimming}}
saved_time: [{events: [part_used], where: {feature: row}, title: row, minutes: 6}]
hourly_rate: {EUR: 30}
usage:
  unused: {type: texts, about: Unused., sample: [A], source: {kind: unused_features, metric: depth}}
  most: {type: texts, about: Most used., sample: [A], source: {kind: used_most, metric: depth}}
  tips: {type: texts, about: Tips., sample: [A], source: {kind: tips, metric: depth}}
  limit_on: {type: date, about: Limit., sample: '2027-01-01', source: {kind: limit_date, metric: share, at_least: 2}}
  hours: {type: number, about: Hours., sample: 1, source: hours_saved}
  worth: {type: number, about: Worth., sample: 1, source: hours_value}
  why: {type: text, about: Why., sample: x, source: {kind: basis, of: worth}}
  paid: {type: number, about: Paid., sample: 1, source: paid}
  due: {type: number, about: Due., sample: 1, source: {kind: amount_due, metric: unpaid}}
  peers: {type: number, about: Peers., sample: 12, source: {kind: peers, metric: depth}}
  peer_depth: {type: share, about: Their middle., sample: 0.5, source: {kind: peer_median, metric: depth}}
  depth: {type: share, about: Depth., sample: 0.5, metric: depth}
  low: {type: number, about: Low., sample: 1, source: lowest_score}
  wanted: {type: texts, about: Wanted., sample: [A], source: {kind: requests, of: {seats_asked: what}}}
contact_roles: [admin]
"""
PLAYBOOK: Final = """\
title: Rescue
starts_on: critical
priority: 90
approval: none
late: send
roles: []
steps:
  - {id: one, kind: message, title: One, template: one, after: 0m}
"""


def template(text: str) -> str:
    return f"---\ntitle: One\nsubject: Hello\npurpose: retention\n---\n{text}\n"


@contextmanager
def gym_with(folder: Path, text: str) -> Iterator[Gym]:
    """A home whose one message says `text`."""
    with playing(folder, {"rescue": PLAYBOOK}, one=template("Hi.")) as world:
        package = world.home.packages / "gym"
        for name in (package / "templates").glob("*.md"):
            name.unlink()
        (package / "templates" / "settings.yaml").write_text(SETTINGS, encoding="utf-8")
        (package / "templates" / "one.md").write_text(template(text), encoding="utf-8")
        # Publishing writes the package's own files anew, so the metrics go in as a change of one.
        world.publish(metrics=("metrics:\n", f"metrics:\n{METRICS}"), catalogue=("events:\n", f"events:\n{CATALOGUE}"))
        # Under the new version the first look opens nothing.
        world.live(NOW - 100 * MINUTE, *(mood(account, NOW - 101 * MINUTE, 80) for account in ("acme", "beta")))
        yield world


def uses(account: str, feature: str, times: int, days_ago: float = 5) -> Sequence[Told]:
    begun = NOW - timedelta(days=days_ago)
    return [
        Told(account, "part_used", begun + at * MINUTE, {"feature": feature}, f"{account}-{feature}-{days_ago}-{at}")
        for at in range(times)
    ]


def told(account: str = "acme") -> str:
    touch = Touch.objects.get(account__key=account)
    return touch.text.strip() or touch.reason


def pays(account: str, amount: float, days_ago: float, **more: object) -> Told:
    at = NOW - timedelta(days=days_ago)
    props = {"amount": amount, "currency": "EUR", "invoice": f"I{days_ago}", **more}
    return Told(account, "payment_succeeded", at, props)


def subscribes(account: str) -> Told:
    props = {"mrr": 50, "currency": "EUR", "status": "active", "plan": "team"}
    return Told(account, "subscription_changed", NOW - 80 * DAY, props)


@pytest.mark.requirement("B122")
def test_features_are_named_by_what_the_log_tells_of_everybody(tmp_path: Path) -> None:
    text = "{{ usage.most | sentence }}; {{ usage.unused | sentence }}; {{ usage.tips | sentence }}"
    with gym_with(tmp_path, text) as world:
        world.send(NOW - HOUR, *uses("acme", "row", 15), *uses("acme", "lift", 10), *uses("beta", "run", 3))
        falls(world, "acme", NOW)
        assert told() == "Rowing; Running; Run to music"
        falls(world, "beta", NOW + HOUR)
        assert told("beta") == (
            "there is no value for usage.most. there is no value for usage.unused. there is no value for usage.tips."
        )


@pytest.mark.requirement("A088")
def test_the_day_of_the_limit_follows_from_two_months_of_use(tmp_path: Path) -> None:
    with gym_with(tmp_path, "{{ usage.limit_on | date }}") as world:
        used = [
            Told("acme", "units_used", NOW - days * DAY, {"units": units}, f"u{days}")
            for days, units in ((50, 20), (40, 20), (20, 30), (10, 30))
        ]
        world.send(NOW - HOUR, Told("acme", "limit_told", NOW - 80 * DAY, {"limit": 100}), *used)
        falls(world, "acme", NOW)
        # 40 before, 60 now, 100 allowed: 20 more in each 30 days, so 60 days from the second of March.
        assert told() == "1 May 2026"


@pytest.mark.requirement("A092")
def test_hours_worth_and_cost_are_of_the_same_month_and_say_what_they_rest_on(tmp_path: Path) -> None:
    text = "{{ usage.hours }}, {{ usage.worth }}, {{ usage.why }}, {{ usage.paid }}"
    with gym_with(tmp_path, text) as world:
        world.send(NOW - HOUR, subscribes("acme"), *uses("acme", "row", 25), *uses("acme", "row", 9, days_ago=40))
        world.send(NOW - HOUR, pays("acme", 50, 10), pays("acme", 50, 41))
        falls(world, "acme", NOW)
        assert told() == "2, 60, assumed: 25 × row at 6 min, counted over the last 30 days, and €30 an hour, 50"


def test_what_is_due_is_what_failed_and_was_not_paid_since(tmp_path: Path) -> None:
    with gym_with(tmp_path, "{{ usage.due }}") as world:
        failed = [
            Told("acme", "charge_failed", NOW - days * DAY, {"amount": amount, "currency": "EUR", "invoice": name})
            for name, days, amount in (("A", 9, 40), ("B", 8, 30.5), ("A", 7, 41), ("C", 6, 9))
        ]
        paid = Told("acme", "payment_succeeded", NOW - 5 * DAY, {"invoice": "C", "amount": 9, "currency": "EUR"})
        world.send(NOW - HOUR, subscribes("acme"), *failed, paid)
        falls(world, "acme", NOW)
        assert told() == "71.5"


@pytest.mark.requirement("B127", "A073")
def test_a_comparison_rests_on_others_on_the_same_plan_that_have_not_left(tmp_path: Path) -> None:
    with gym_with(tmp_path, "{{ usage.depth | percent }} {{ usage.peers }} {{ usage.peer_depth | percent }}") as world:
        others = [f"peer{at}" for at in range(10)]
        for at, name in enumerate(others):
            world.send(NOW - HOUR, known(name, "Pat", f"pat@{name}.example"), subscribes(name))
            world.send(NOW - HOUR, *uses(name, "row", 1), *(uses(name, "run", 1) if at < 6 else ()))
        world.send(NOW - HOUR, subscribes("acme"), *uses("acme", "row", 1), subscribes("gone"), *uses("gone", "row", 1))
        world.send(NOW - HOUR, Told("gone", "account_deleted", NOW - 2 * HOUR))
        falls(world, "acme", NOW)
        assert told() == "25% 10 50%"
        Account.objects.filter(key="peer3").update(plan="solo")
        falls(world, "beta", NOW + HOUR)
        assert "there is no value for usage.peers." in told("beta")


def test_the_lowest_score_is_that_of_the_last_month(tmp_path: Path) -> None:
    with gym_with(tmp_path, "{{ usage.low }} {{ score.value }}") as world:
        falls(world, "acme", NOW, to=10)
        Touch.objects.update(state="draft")
        turn = world.live(NOW + DAY, mood("acme", NOW + DAY - MINUTE, 25))
        do_write_touches(world.home, embedded_engine(), now=turn)
        assert told() == "10 25"


def test_what_contacts_asked_for_is_told_as_they_said_it(tmp_path: Path) -> None:
    with gym_with(tmp_path, "{{ usage.wanted | sentence }}") as world:
        asked = [
            Told("acme", "seats_asked", NOW - days * DAY, {"what": what}) for days, what in ((3, "a_sauna"), (2, "row"))
        ]
        world.send(NOW - HOUR, *asked)
        falls(world, "acme", NOW)
        assert told() == "a sauna and Rowing"


def test_many_texts_of_a_turn_ask_the_state_no_more_often_than_one(tmp_path: Path) -> None:
    with gym_with(tmp_path, "{{ usage.depth | percent }} {{ usage.peers }}") as world:
        names = [f"peer{at}" for at in range(14)]
        for name in names:
            world.send(NOW - HOUR, known(name, "Pat", f"pat@{name}.example"), subscribes(name), *uses(name, "row", 1))
            world.send(NOW - HOUR, mood(name, NOW - 2 * HOUR, 80))
        world.turn(NOW - MINUTE)
        falls(world, "peer0", NOW)
        Touch.objects.update(state="draft")
        with CaptureQueriesContext(connection) as one:
            do_write_touches(world.home, embedded_engine(), now=NOW + MINUTE)
        world.live(NOW + HOUR, *(mood(name, NOW + HOUR - MINUTE, 10) for name in names[1:]))
        assert {state for name in names for _, state in touches(name)} != {"draft"}
        Touch.objects.update(state="draft")
        with CaptureQueriesContext(connection) as many:
            do_write_touches(world.home, embedded_engine(), now=NOW + 2 * HOUR)
        assert Touch.objects.filter(text="25% 13\n").count() == 14
        assert len(many) <= len(one) + 2
