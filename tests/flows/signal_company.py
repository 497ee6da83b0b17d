"""A small company whose signals come of live events: taken in, sealed, scored and looked at by the real cycle.

Acme pays 4,200 a month, Borealis 1,250 and renews late, Cobalt pays 640 and gave notice, Delta pays nothing known.
Ada owns Acme and Delta. The first look is quiet; what comes in after it opens signals.
"""

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.facts.inbound import Inbound, Reading
from keepwell.jobs.cycle import Cycle
from keepwell.jobs.inbox import Arrival, Inbox
from keepwell.jobs.package import SHIPPED, do_publish_package
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.store.models import Account, Member, Source

BY: Final = "ops@example.com"
DAYS: Final = 12
ACCOUNTS: Final = {
    "acme": {"name": "Acme", "mrr": 4200, "currency": "EUR", "plan": "scale", "seats": 25},
    "borealis": {"name": "Borealis", "mrr": 1250, "currency": "EUR", "plan": "team", "seats": 10},
    "cobalt": {"name": "Cobalt", "mrr": 640, "currency": "EUR", "plan": "team", "seats": 4, "ending": True},
    "delta": {"name": "Delta"},
}
RULES: Final = {
    "alerts.yaml": """\
alerts:
  escalated:
    title: A ticket was escalated
    severity: critical
    when: {event: {events: [ticket_escalated], within: 7d}}
    respond: 1h
    action: Follow up on the technical issue.
  payment_failure:
    title: A payment failed
    about: A try to collect an invoice failed.
    severity: high
    when: {event: {events: [payment_failed], within: 7d}}
    respond: 2h
    action: Support helps with the payment before the next try.
  no_sign_in:
    title: Nobody signed in
    severity: medium
    when: {absence: {events: [signed_in], for: 72h}}
    action: Call the account.
""",
    "opportunities.yaml": """\
won: [{events: [subscription_changed], where: {change: upgrade}}]
contacted: [{events: [expansion_discussed]}]
blocked:
  payment_trouble: {because: a payment failed, when: {event: {events: [payment_failed], within: 7d}}}
opportunities:
  overage:
    title: Use above the plan
    type: USAGE_LIMIT_APPROACHING
    urgency: high
    when: {event: {events: [overage_charged], within: 30d}}
    worth: {kind: fixed, amount: 300, currency: EUR, per: month, basis: the next plan instead of this one}
    recommend: UPGRADE_PLAN
    confidence: 0.4
    action: Offer the next plan.
  integration_wish:
    title: Asked for an integration
    type: INTEGRATION_REQUESTS
    urgency: medium
    when: {event: {events: [integration_requested], within: 30d}}
    worth: {kind: fixed, amount: 600, currency: EUR, per: year, basis: the integration package}
    recommend: OFFER_INTEGRATION
    confidence: 0.3
""",
    "milestones.yaml": """\
unwise:
  ticket: {because: a ticket was escalated, when: {event: {events: [ticket_escalated], within: 7d}}}
milestones:
  case_study:
    title: Agreed to a case study
    when: {event: {events: [case_study_agreed], within: 30d}}
    action: Thank them by hand.
""",
}


@dataclass
class SignalCompany:
    """`now` is the moment of the last turn."""

    home: Home
    inbox: Inbox
    cycle: Cycle
    now: datetime
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _waiting: list[Future[object]] = field(default_factory=list)

    def tell(self, event: str, account: str, at: datetime, **props: object) -> None:
        """An event that is known the moment it happens; it is in the inbox before the next turn."""
        source = Source.objects.get_or_create(name="app", defaults={"connector": "http", "created_at": at})[0]
        told = Inbound(
            f"m{next(self._numbers)}", event, int(at.timestamp() * 1_000_000), account, "ada", json.dumps(props)
        )
        self._waiting.append(self.inbox.put(Arrival(source.pk, 0, at, "segment", Reading([told]))))

    def turn(self, after: timedelta) -> datetime:
        while self._waiting:
            self._waiting.pop().result()
        self.now += after
        self.cycle.do_run_cycle(now=self.now)
        return self.now


@contextmanager
def signal_company(folder: Path, now: datetime) -> Iterator[SignalCompany]:
    """The company a moment after its quiet first look, which is at `now`."""
    home = Home(folder)
    write_rules(home)
    do_publish_package(home, "saas", note="", by=BY, now=now - timedelta(days=DAYS))
    inbox = Inbox()
    inbox.start()
    try:
        found = SignalCompany(home, inbox, Cycle(home, embedded_engine(), Calendar()), now)
        for account, traits in ACCOUNTS.items():
            renewal = now + timedelta(days=300 if account == "borealis" else 30)
            change = {**traits, "change": "new", "renewal_at": renewal.isoformat()} if "mrr" in traits else traits
            name = "subscription_changed" if "mrr" in traits else "account_created"
            found.tell(name, account, now - timedelta(days=DAYS), **change)
            for day in range(1, DAYS):
                found.tell("signed_in", account, now - timedelta(days=day))
        found.turn(timedelta(0))
        ada = Member.objects.filter(email="ada@keepwell.example").first() or Member.objects.create_user(
            "ada@keepwell.example", "correct-horse-battery", name="Ada Byron", role="csm"
        )
        Account.objects.filter(key__in=["acme", "delta"]).update(owner=ada)
        yield found
    finally:
        inbox.stop()


def open_signals(company: SignalCompany) -> datetime:
    """The moment of the look at which a day's worth of signals open.

    Acme and Borealis have a failed payment, Cobalt and Delta an escalated ticket; Acme's growth is blocked, Borealis
    has none, Cobalt has two signs; Cobalt and Acme agreed to a case study, at Cobalt it is unwise to celebrate.
    """
    at = company.now + timedelta(minutes=1)
    for account in ("acme", "borealis"):
        company.tell("payment_failed", account, at, amount=420, currency="EUR", invoice=f"I-{account}")
    for account in ("cobalt", "delta"):
        company.tell("ticket_escalated", account, at, ticket="T-7", severity="high")
    for account in ("acme", "cobalt"):
        company.tell("overage_charged", account, at, amount=20, currency="EUR")
        company.tell("case_study_agreed", account, at)
    company.tell("integration_requested", "cobalt", at, integration="crm")
    return company.turn(timedelta(minutes=5))


def write_rules(home: Home) -> None:
    folder = home.packages / "saas"
    folder.mkdir(parents=True)
    for file in (SHIPPED / "saas").glob("*.yaml"):
        (folder / file.name).write_text(file.read_text())
    for name, text in RULES.items():
        (folder / name).write_text(text)
