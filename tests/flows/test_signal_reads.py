"""What members and programs are told of signals that the real cycle opened."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from keepwell.jobs.alert import do_acknowledge_alert, do_close_alert, do_snooze_alert
from keepwell.jobs.opportunity import do_move_opportunity
from keepwell.jobs.read_today import default_mine, read_growth, read_today
from keepwell.jobs.today_shape import rule_told
from keepwell.store.models import Alert, Member, Opportunity, OpportunitySign
from keepwell.store.read.alert import AlertFilter, access_alert_counts, access_alerts, alert_state, is_overdue
from keepwell.store.read.evidence import access_faces, sentence_of
from keepwell.store.read.opportunity import OpportunityFilter
from keepwell.store.read.response import access_response_times
from keepwell.store.read.rule import RuleRow, access_rules
from keepwell.store.read.scope import may_act_at
from tests.flows.signal_company import SignalCompany, open_signals, signal_company

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BY = "ada@keepwell.example"
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[SignalCompany]:
    with signal_company(tmp_path, NOW) as found:
        open_signals(found)
        yield found


@pytest.fixture
def owner() -> Member:
    return Member.objects.create_user("olga@keepwell.example", None, name="Olga", role="owner")


def listed(member: Member, wanted: AlertFilter, now: datetime) -> list[tuple[str, str]]:
    return [(str(one.account), one.rule) for one in access_alerts(member, wanted, now=now)]


def rule(member: Member, name: str, now: datetime) -> RuleRow:
    return next(row for row in access_rules(member, now=now) if row.name == name)


@pytest.mark.requirement("A139", "B148", "B149")
def test_the_worst_alert_comes_first_and_what_is_put_aside_is_left_out(company: SignalCompany, owner: Member) -> None:
    now = company.now
    every = [
        ("Cobalt", "escalated"),
        ("Delta", "escalated"),
        ("Acme", "payment_failure"),
        ("Borealis", "payment_failure"),
    ]
    assert listed(owner, AlertFilter(), now) == every
    ada = Member.objects.get(email=BY)
    assert listed(owner, AlertFilter(mine=ada), now) == [every[1], every[2]]
    assert listed(owner, AlertFilter(severities=("high",)), now) == every[2:]
    assert listed(Member(email="x", role="owner", is_active=False), AlertFilter(), now) == []
    first, second, third, _ = access_alerts(owner, AlertFilter(), now=now)
    do_snooze_alert(first, now + timedelta(hours=1), by=BY, now=now)
    do_snooze_alert(second, None, by=BY, now=now)
    do_acknowledge_alert(third, by=BY, now=now)
    assert listed(owner, AlertFilter(), now) == every[2:]
    assert listed(owner, AlertFilter(listed="put_aside"), now) == every[:2]
    assert listed(owner, AlertFilter(listed="acknowledged"), now) == [every[2]]
    # An hour later the first is back; the second waits for a change.
    later = now + timedelta(minutes=61)
    assert listed(owner, AlertFilter(), later) == [every[0], *every[2:]]
    counts = access_alert_counts(owner, AlertFilter(), now=later)
    assert counts == {"open_count": 3, "new_count": 2, "acknowledged_count": 1, "put_aside_count": 1,
                      "closed_count": 0, "all_count": 4}  # fmt: skip
    assert [alert_state(one, later) for one in Alert.objects.order_by("pk")].count("put_aside") == 1
    assert {is_overdue(one, now) for one in Alert.objects.all()} == {False}
    assert is_overdue(Alert.objects.get(account__key="cobalt"), later)
    # A new event behind it wakes the one that was put aside until it changes.
    company.tell("ticket_escalated", "delta", company.now + MINUTE, ticket="T-8")
    company.turn(5 * MINUTE)
    assert ("Delta", "escalated") in listed(owner, AlertFilter(), company.now)


@pytest.mark.requirement("B147")
def test_evidence_is_told_in_words_with_its_limit(company: SignalCompany, owner: Member) -> None:
    company.turn(timedelta(days=3))
    alerts = {one.rule: one for one in Alert.objects.filter(account__key="acme")}
    faces = access_faces(owner, (one.version_id for one in alerts.values()))
    told = {name: sentence_of(one, faces[one.version_id]).replace("\u202f", " ") for name, one in alerts.items()}
    assert told["payment_failure"] == "Since the last payment failed: 4 min (within 7d)"
    assert "no_sign_in" not in told or told["no_sign_in"] == "Without signed in: 4 days (for 72h or more)"


@pytest.mark.requirement("B074", "B154", "B155", "B156", "B157")
def test_today_is_ordered_by_what_an_act_may_save(company: SignalCompany, owner: Member) -> None:
    today = read_today(owner, None, now=company.now)
    lines = [(str(risk.account), risk.priority.saving, risk.others) for risk in today.risks]
    # 12 × MRR × probability (0.3 high, 0.5 critical) × what can change (0.6 far renewal, 0.5 notice given).
    assert lines == [
        ("Acme", Decimal("15120.00"), 0),
        ("Borealis", Decimal("2700.00"), 0),
        ("Cobalt", Decimal("1920.00"), 0),
        ("Delta", None, 0),
    ]
    assert [(str(one.opportunity.account), one.expected) for one in today.growth] == [("Cobalt", Decimal("1440.00"))]
    assert [(str(one.opportunity.account), one.opportunity.blocked_because) for one in today.blocked] == [
        ("Acme", "a payment failed")
    ]
    assert [(str(one.account), one.unwise_because) for one in today.milestones] == [
        ("Acme", ""),
        ("Cobalt", "a ticket was escalated"),
    ]
    ada = Member.objects.get(email=BY)
    assert default_mine(ada) == ada
    assert default_mine(owner) is None
    mine = read_today(ada, ada, now=company.now)
    assert [str(risk.account) for risk in mine.risks] == ["Acme", "Delta"]
    assert mine.growth == []
    # A key that nobody stands behind owns nothing.
    assert read_today(owner, Member(email="key", role="admin"), now=company.now).is_empty


@pytest.mark.requirement("B206", "X16")
def test_clocks_and_precision_come_with_their_numbers(company: SignalCompany, owner: Member) -> None:
    now = company.now
    alerts = list(Alert.objects.order_by("pk"))
    do_acknowledge_alert(alerts[0], by=BY, now=now + 10 * MINUTE)
    do_acknowledge_alert(alerts[1], by=BY, now=now + 30 * MINUTE)
    times = {one.clock: one for one in access_response_times(owner, now=now + timedelta(hours=1))}
    assert (times["detection"].average, times["detection"].n) == (4 * MINUTE, 4)
    assert (times["acknowledgement"].average, times["acknowledgement"].n) == (20 * MINUTE, 2)
    assert (times["response"].average, times["response"].running) == (20 * MINUTE, 2)
    assert (times["first_contact"].average, times["first_contact"].n) == (None, 0)
    assert access_response_times(owner, now=now + timedelta(days=31))[0].n == 0
    do_close_alert(alerts[2], "acted", by=BY, now=now)
    row = rule(owner, "payment_failure", now)
    assert (row.tally.precision, row.open) == ((None, 1), 1)
    assert rule_told(row).startswith("too few to tell (1 judged")
    # Four more that closed before: three were acted on, one was a false alarm; what closed by itself counts for none.
    for number, reason in enumerate(["acted", "acted", "acted", "false_alarm", "cleared"]):
        alert = Alert.objects.get(pk=alerts[2].pk)
        alert.pk, alert.close_reason, alert.closed_at = None, reason, now - timedelta(days=number)
        alert.save(force_insert=True)
    row = rule(owner, "payment_failure", now)
    assert row.tally.precision == (0.8, 5)
    assert rule_told(row) == "80% were acted on (of 5 in 90 days)"
    assert rule(owner, "payment_failure", now + timedelta(days=91)).tally.precision == (None, 0)


@pytest.mark.requirement("X15", "X16", "X17")
def test_confidence_is_measured_once_enough_closed(company: SignalCompany, owner: Member) -> None:
    now = company.now
    (cobalt,) = (one for one in read_growth(owner, OpportunityFilter(is_blocked=False), now=now))
    # Two signs make one opportunity, worth its largest sign.
    assert len(cobalt.opportunity.signs.all()) == 2
    assert (cobalt.opportunity.yearly, cobalt.sign.rule) == (Decimal("3600.00"), "overage")
    assert (cobalt.confidence.share, cobalt.confidence.is_assumed) == (0.4, True)
    for number in range(19):
        plant_closed(cobalt.opportunity, "won" if number < 5 else "lost" if number < 15 else "lapsed", now)
    assert read_growth(owner, OpportunityFilter(is_blocked=False), now=now)[0].confidence.is_assumed
    do_move_opportunity(Opportunity.objects.get(account__key="acme", closed_at=None), "lost", by=BY, now=now)
    found = read_growth(owner, OpportunityFilter(), now=now)[0]
    assert (found.confidence.share, found.confidence.n, found.confidence.is_assumed) == (0.25, 20, False)
    assert found.expected == Decimal("900.00")
    tally = rule(owner, "overage", now).tally
    assert (tally.conversion, tally.false_discovery_rate) == ((0.25, 20), 0.75)
    assert rule_told(rule(owner, "overage", now)) == "25% were won (of 20 in 365 days)"


def plant_closed(like: Opportunity, stage: str, now: datetime) -> None:
    gone = Opportunity.objects.create(
        account=like.account, package=like.package, version=like.version, stage=stage, urgency="high",
        opened_at=now - timedelta(days=40), closed_at=now - timedelta(days=3),
    )  # fmt: skip
    sign = OpportunitySign.objects.filter(rule="overage").earliest("pk")
    sign.pk, sign.opportunity, sign.closed_at = None, gone, now
    sign.save(force_insert=True)


def test_who_may_act_where(company: SignalCompany, owner: Member) -> None:
    roles = ("owner", "admin", "lead", "csm", "analyst", "viewer")
    members = {role: Member.objects.create_user(f"{role}@example.com", None, name=role, role=role) for role in roles}
    alerts = {str(one.account): one for one in Alert.objects.select_related("account")}
    acme, cobalt = alerts["Acme"].account, alerts["Cobalt"].account
    assert [role for role in roles if may_act_at(members[role], acme)] == ["owner", "admin", "lead"]
    # Nobody owns Cobalt, so any CSM may step in; an alert that was given to one is theirs anywhere.
    assert [role for role in roles if may_act_at(members[role], cobalt)] == ["owner", "admin", "lead", "csm"]
    assert may_act_at(Member.objects.get(email=BY), acme)
    assert may_act_at(members["csm"], acme, members["csm"].pk)
    assert not may_act_at(members["viewer"], acme, members["viewer"].pk)
    members["owner"].is_active = False
    assert not may_act_at(members["owner"], acme)
