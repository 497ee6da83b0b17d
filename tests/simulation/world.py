"""Ninety days of accounts that fall, recover, answer, say no and leave, lived through by the real jobs.

Scores and signals are made up; from there on everything is what runs in production, but for the clock, the mail
server and the moments at which the process dies. One seed gives one story.
"""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from unittest.mock import patch

import numpy as np
from django.db import transaction
from django.db.models import DateTimeField, Value

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.base.settings import Settings
from keepwell.jobs import deliver_touch
from keepwell.jobs.approval import do_approve_touch, do_refuse_touch
from keepwell.jobs.arbitration import do_sweep_asked
from keepwell.jobs.enrolment import do_follow_playbooks, due_enrolments
from keepwell.jobs.member import do_add_member
from keepwell.jobs.opt_out import do_opt_out, wait_for_flights
from keepwell.jobs.package import do_publish_package
from keepwell.jobs.route import do_assign_role
from keepwell.jobs.signal_evidence import Scene
from keepwell.jobs.touch_text import do_write_touches
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.signals.look import Change, Look
from keepwell.signals.panel import Panel
from keepwell.store.models import (
    Account,
    Alert,
    Contact,
    ModelVersion,
    Opportunity,
    OpportunitySign,
    Sending,
    Touch,
)
from keepwell.store.read.package import signals_of
from tests.flows.playbook_world import SETTINGS, TEMPLATES
from tests.flows.signal_world import write_package
from tests.simulation.package import PLAYBOOKS, VOICE, ZONES
from tests.simulation.transport import MadeUpOutbox, Transport

# Over the change to summer time in America and in Europe, and back in Australia.
START: Final = datetime(2026, 2, 20, tzinfo=UTC)
TURN: Final = timedelta(hours=3)
BY: Final = "simulation"
NANO: Final = 10**9


class DiedError(BaseException):
    """The process is killed here."""


@dataclass
class Person:
    """An account with its one contact, and what it does."""

    account: Account
    contact: Contact
    score: float
    drift: float = 0.0
    is_gone: bool = False
    is_dirty: bool = False
    alerts: dict[str, int] = field(default_factory=dict)
    has_sign: bool = False


@dataclass
class World:
    folder: Path
    seed: int
    accounts: int
    now: datetime = START
    sometimes: Counter[str] = field(default_factory=Counter)
    confirmed: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.transport = Transport(self.chance)
        self._home = Home(self.folder)
        self._version = _published(self._home)
        self._book = signals_of(self._version)
        self._settings = Settings(
            home=self.folder,
            mail_host="made-up.example",
            mail_sender="hello@ours.example",
            public_url="https://k.example",
        )
        self._coach = do_add_member("coach@ours.example", name="Robin", role="csm", password=None, by=BY, now=START)
        for role in ("coach", "csm"):
            do_assign_role(role, "coach@ours.example", by=BY, now=START)
        Sending.objects.create(pk=1, is_on=True)
        self.people = self._people()
        self._outbox = MadeUpOutbox(self._settings, self.transport)
        self._asleep: list[tuple[datetime, MadeUpOutbox]] = []
        self._refusing: dict[int, Person] = {}

    def turn(self) -> None:
        """Some hours pass, and the worker looks; it may die at any of its crash points, and starts again."""
        self.now += TURN
        for person in self.people:
            self._live(person)
        self._act()
        with self._mortal():
            self._work()

    def _work(self) -> None:
        due = set(due_enrolments(10_000, now=self.now))
        seen = [one for one in self.people if one.is_dirty or one.account.pk in due]
        if seen:
            with transaction.atomic():
                self._look(seen)
            for person in seen:
                person.is_dirty = False
        do_write_touches(self._home, embedded_engine(), now=self.now)
        with transaction.atomic():
            do_sweep_asked(now=self.now)
        self.sometimes.update(self._outbox.do_deliver_touches(now=self.now))

    @contextmanager
    def _mortal(self) -> Iterator[None]:
        """Now and then the process dies, or falls asleep with what it has claimed."""
        left = self.chance.randrange(1, 12) if self.chance.random() < 0.1 else -1

        def crash_point(name: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                self.sometimes[f"died at {name}"] += 1
                raise DiedError

        def clock() -> Value:
            return Value(self.now, output_field=DateTimeField())

        with (
            patch.object(deliver_touch, "crash_point", crash_point),
            patch.object(deliver_touch, "Now", clock),
        ):
            for at, zombie in list(self._asleep):
                if at <= self.now:
                    self._asleep.remove((at, zombie))
                    before = len(self.transport.arrived)
                    with suppress(DiedError):
                        zombie.do_deliver_touches(now=self.now)
                    self.sometimes["zombie woke"] += 1
                    self.sometimes["zombie sent"] += len(self.transport.arrived) - before
            try:
                yield
            except DiedError:
                if self.chance.random() < 0.4:
                    # It was only asleep, and wakes when its lease is long over.
                    self._asleep.append((self.now + TURN * self.chance.randrange(1, 5), self._outbox))
                self._outbox = MadeUpOutbox(self._settings, self.transport)

    def _look(self, seen: list[Person]) -> None:
        """What detection does, with made-up scores: signals open and close, then playbooks follow."""
        seen = sorted(seen, key=lambda one: one.account.pk)
        ended = [one.account.pk for one in seen if one.is_gone]
        here = [one for one in seen if not one.is_gone]
        found = Look()
        panel = _panel(here, self.now)
        for row, person in enumerate(here):
            for rule in self._signals(person):
                noun = "opportunity" if rule == "seats" else "alert"
                found.changes.append(Change(row, person.account.pk, noun, rule, "open", self.now))  # type: ignore[arg-type]
        accounts = {one.account.pk: one.account for one in here}
        scene = Scene(self._home, self._book, self._version, panel, accounts, Calendar(zone="Europe/Berlin"), {})
        do_follow_playbooks(scene, panel, {}, found, ended, now=self.now)

    def _signals(self, person: Person) -> Iterator[str]:
        """Alerts of its score opened and closed; a chance to sell now and then."""
        for rule, opens, closes, severity in (("critical", 30, 40, "critical"), ("weak", 60, 68, "medium")):
            if person.score >= closes and rule in person.alerts:
                Alert.objects.filter(pk=person.alerts.pop(rule)).update(closed_at=self.now)
            elif person.score < opens and rule not in person.alerts:
                person.alerts[rule] = self._alert(person, rule, severity)
                yield rule
        if self.chance.random() < 0.02 and not person.has_sign:
            self._sign(person)
            person.has_sign = True
            yield "seats"

    def _alert(self, person: Person, rule: str, severity: str) -> int:
        alert = Alert.objects.create(
            account=person.account,
            package="gym",
            rule=rule,
            version=self._version,
            title=rule,
            severity=severity,
            happened_at=self.now,
            detected_at=self.now,
            opened_at=self.now,
        )
        return alert.pk

    def _sign(self, person: Person) -> None:
        opportunity, _ = Opportunity.objects.get_or_create(
            account=person.account,
            package="gym",
            closed_at=None,
            defaults={"version": self._version, "urgency": "low", "opened_at": self.now},
        )
        OpportunitySign.objects.create(
            opportunity=opportunity,
            rule="seats",
            type="ADD_SEATS",
            title="Seats",
            urgency="low",
            recommend="OFFER",
            confidence=0.5,
            opened_at=self.now,
        )

    def _live(self, person: Person) -> None:
        """Some hours of an account: its score wanders, sometimes for the worse, and now and then it leaves."""
        chance = self.chance
        if person.is_gone or chance.random() > 0.25:
            return
        if chance.random() < 0.03:
            person.drift = chance.choice([-6.0, -2.0, 0.0, 2.0, 4.0])
        person.score = min(100.0, max(0.0, person.score + person.drift + chance.gauss(0, 2)))
        person.is_dirty = True
        if chance.random() < 0.0006:
            person.is_gone = True
            self.sometimes["left"] += 1

    def _act(self) -> None:
        """What contacts and members do: answer, say no, approve, stop everything."""
        chance = self.chance
        fresh = [one for one in self.transport.arrived if one.at >= self.now - TURN]
        for one in fresh:
            if chance.random() < 0.15:
                Touch.objects.filter(message_id=one.message_id, replied_at=None).update(replied_at=self.now)
                self._person(one.address).is_dirty = True
                self.sometimes["answered"] += 1
            if chance.random() < 0.03:
                self._say_no(self._person(one.address))
        if chance.random() < 0.05:
            self._say_no(chance.choice(self.people))
        for pk, person in list(self._refusing.items()):
            if wait_for_flights([pk], 0):
                self.confirmed[person.contact.email] = self.now
                del self._refusing[pk]
            else:
                self.sometimes["said no while something was on its way"] += 1
        for touch in Touch.objects.filter(state="asked").select_related("account").order_by("pk"):
            self._decide(touch)
        if chance.random() < 0.01:
            is_stopped = not Sending.objects.get(pk=1).is_stopped
            Sending.objects.filter(pk=1).update(is_stopped=is_stopped)
            self.sometimes["stopped"] += is_stopped
        elif chance.random() < 0.2:
            Sending.objects.filter(pk=1).update(is_stopped=False)

    def _say_no(self, person: Person) -> None:
        do_opt_out(person.contact, way="link", by="contact", now=self.now)
        person.is_dirty = True
        self._refusing[person.contact.pk] = person
        self.sometimes["said no"] += 1

    def _decide(self, touch: Touch) -> None:
        draw = self.chance.random()
        if draw < 0.15:
            do_approve_touch(touch, self._coach, subject=touch.subject, text=touch.text, by=BY, now=self.now)
            self.sometimes["approved"] += 1
        elif draw < 0.18:
            do_refuse_touch(touch, self._coach, reason="", by=BY, now=self.now)
            self.sometimes["not approved"] += 1

    def _person(self, address: str) -> Person:
        return self._by_address[address]

    def _people(self) -> list[Person]:
        accounts = Account.objects.bulk_create(
            [Account(key=f"a{number}", name=f"A {number}") for number in range(self.accounts)]
        )
        zones = [ZONES[number % len(ZONES)] for number in range(self.accounts)]
        contacts = Contact.objects.bulk_create(
            [
                Contact(
                    account=one,
                    key="ada",
                    name="Ada Example",
                    email=f"ada@{one.key}.example",
                    traits={"time_zone": zone},
                )
                for one, zone in zip(accounts, zones, strict=True)
            ]
        )
        people = [
            Person(account, contact, self.chance.uniform(40, 95), self.chance.choice([-2.0, 0.0, 0.0, 2.0]))
            for account, contact in zip(accounts, contacts, strict=True)
        ]
        self._by_address = {one.contact.email: one for one in people}
        return people


def _published(home: Home) -> ModelVersion:
    write_package(home, {})
    files = {f"playbooks/{name}.yaml": text for name, text in PLAYBOOKS.items()}
    files |= {f"templates/{name}.md": TEMPLATES[name] for name in ("again", "more", "signed")}
    files |= {"templates/settings.yaml": SETTINGS, "voice.yaml": VOICE}
    for name, text in files.items():
        path = home.packages / "gym" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (version,), _ = do_publish_package(home, "gym", note="", by=BY, now=START)
    return version


def _panel(people: list[Person], now: datetime) -> Panel:
    scores = np.array([one.score for one in people], dtype=np.float64)
    band = np.digitize(scores, [30.0, 60.0]).astype(np.int64)
    return Panel(
        as_of=now,
        accounts=np.array([one.account.pk for one in people], dtype=np.int64),
        bands=("critical", "at_risk", "healthy"),
        has_score=np.ones(len(people), dtype=np.bool_),
        nano_points=(scores * NANO).astype(np.int64),
        band=band,
        band_before=np.full(len(people), -1, dtype=np.int64),
        trend=np.array([""] * len(people), dtype=np.object_),
        metrics={},
        traits=[one.account.traits for one in people],
    )
