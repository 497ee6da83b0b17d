"""Pages and API over signals that the real cycle opened."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client

from keepwell.base.business_time import Calendar
from keepwell.base.clock import SystemClock
from keepwell.jobs.key import do_create_key
from keepwell.store.models import Account, Alert, AuditEntry, Member, Milestone, Opportunity, Source
from keepwell.web.pages.alert_act import snoozed_until
from tests.flows.signal_company import SignalCompany, open_signals, signal_company
from tests.web.world import MARKER

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[SignalCompany]:
    with signal_company(tmp_path, SystemClock().now() - timedelta(hours=3)) as found:
        open_signals(found)
        yield found


def enter(client: Client, role: str = "owner") -> Member:
    member = Member.objects.create_user(f"{role}@example.com", None, name=role.capitalize(), role=role)
    client.force_login(member)
    return member


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())).replace("\u202f", " ")


def alert_of(account: str) -> Alert:
    return Alert.objects.get(account__key=account)


def ask(client: Client, path: str, body: object | None = None) -> tuple[int, dict[str, object]]:
    answer = client.post(f"/api/{path}", json.dumps(body or {}), content_type="application/json")
    return answer.status_code, answer.json()


@pytest.mark.requirement("A034", "A139", "B073", "B148", "B149", "B206")
def test_the_inbox_shows_the_worst_first_and_handles_it(company: SignalCompany, client: Client) -> None:
    member = enter(client)
    page = text_of(client, "/inbox")
    assert page.index("A ticket was escalated Cobalt") < page.index("A payment failed Acme")
    assert "Critical" in page
    assert "Since the last payment failed: 4 min (within 7d)" in page
    assert "overdue by" in page
    assert "opened → acknowledged – – 0 4" in page
    assert "Delta" not in text_of(client, "/inbox?severity=high")
    assert "No alert matches" in text_of(client, "/inbox?severity=low")
    assert "Nothing under “Closed”" in text_of(client, "/inbox?state=closed")
    assert client.get("/inbox?state=%00&severity=x&page=-1&whose=1&sort=no&rule=%00").status_code == 200
    cobalt, delta, acme = alert_of("cobalt"), alert_of("delta"), alert_of("acme")
    back = {"back": "/inbox?severity=high"}
    assert client.post(f"/alerts/{cobalt.pk}/acknowledge", back)["Location"] == "/inbox?severity=high"
    foreign = {"to": member.email, "back": "//evil.example"}
    assert client.post(f"/alerts/{cobalt.pk}/assign", foreign)["Location"] == "/inbox"
    client.post(f"/alerts/{delta.pk}/snooze", {"until": "change"})
    client.post(f"/alerts/{acme.pk}/close", {"reason": "acted", "note": f"Called {MARKER}"})
    page = text_of(client, "/inbox")
    assert "Open 2 New 1 Put aside 1 Closed 1 All 4" in page
    assert "Delta" not in page
    assert "Delta" in text_of(client, "/inbox?state=put_aside")
    assert "Cobalt" in text_of(client, "/inbox?whose=mine")
    assert "Acted on, owner@example.com" in text_of(client, "/inbox?state=closed")
    # What is closed stays so, and the page says it kindly.
    client.post(f"/alerts/{acme.pk}/close", {"reason": "known"})
    assert "is closed already" in text_of(client, "/inbox")
    for path, body in (("close", {"reason": "acted!"}), ("snooze", {"until": "never"}), ("assign", {"to": "x@y.z"})):
        assert client.post(f"/alerts/{cobalt.pk}/{path}", body).status_code == 404
    acts = AuditEntry.objects.filter(by=member.email, act__startswith="alert_").order_by("pk")
    assert [entry.act for entry in acts] == ["alert_acknowledged", "alert_assigned", "alert_snoozed", "alert_closed"]
    page = text_of(client, f"/alerts/{acme.pk}")
    told = ("payment_failed", "invoice I-acme", "happened → detected", "closed it: acted on", "too few to tell (1")
    for words in told:
        assert words in page
    assert MARKER not in client.get(f"/alerts/{acme.pk}").content.decode()
    assert client.get("/alerts/999").status_code == 404


@pytest.mark.requirement("A042", "A076", "B074", "B154", "B155", "B156", "B157")
def test_today_opportunities_and_milestones(company: SignalCompany, client: Client) -> None:
    enter(client)
    page = text_of(client, "/today")
    assert "4 accounts need an answer, 1 may grow, 2 milestones wait" in page
    assert re.search(r"1 Acme .*€15,120 €50,400 a year × 30 % \(assumed\) × 100 % 2 Borealis", page)
    assert "Delta" in page
    assert "MRR unknown" in page
    assert "Not to be offered now: Acme , use above the plan because a payment failed" in page
    assert "Unwise now: a ticket was escalated" in page
    assert "Nothing needs you" in text_of(client, "/today?whose=mine")
    page = text_of(client, "/opportunities")
    assert "€3,600 a year × 40 % (assumed)" in page
    assert page.index("Asked for an integration") < page.index("Not to be offered now")
    assert page.index("Not to be offered now") < page.index("Not now: a payment failed")
    grown, case = Opportunity.objects.get(account__key="cobalt"), Milestone.objects.get(account__key="acme")
    assert client.post(f"/opportunities/{grown.pk}/contacted", {"back": "/opportunities"}).status_code == 302
    assert client.post(f"/opportunities/{grown.pk}/lost").status_code == 302
    assert client.post(f"/milestones/{case.pk}/celebrated", {"back": "/milestones"}).status_code == 302
    assert "Cobalt" in text_of(client, "/opportunities?stage=lost")
    assert "Celebrated, owner@example.com" in text_of(client, "/milestones?state=celebrated")
    assert "Acme" not in text_of(client, "/milestones").partition("Milestones 0")[0].partition("newest first")[2]
    acme = Account.objects.get(key="acme")
    page = text_of(client, f"/accounts/{acme.pk}")
    assert "Open alerts" in page
    assert "Not now: a payment failed" in page
    page = text_of(client, "/")
    assert page.index("Immediate attention") < page.index("A ticket was escalated") < page.index("A payment failed")


@pytest.mark.requirement("A028", "A076", "A140", "X15", "X16", "X17")
def test_the_api_tells_the_same(company: SignalCompany, client: Client) -> None:
    enter(client)
    found = client.get("/api/alerts").json()
    assert found["total"] == 4
    assert [one["account"]["key"] for one in found["alerts"]] == ["cobalt", "delta", "acme", "borealis"]
    one = client.get("/api/alerts?account=acme").json()["alerts"][0]
    assert (one["state"], one["rule"], one["is_overdue"]) == ("new", "payment_failure", True)
    assert one["numbers"][0]["unit"] == "days"
    assert one["events"][0]["properties"]["invoice"] == "I-acme"
    assert one["seconds"]["response"] is None
    acme = Account.objects.get(key="acme")
    assert client.get(f"/api/alerts?account={acme.pk}&size=1").json()["total"] == 1
    assert client.get("/api/alerts?account=nobody").status_code == 404
    assert client.get("/api/alerts/999").status_code == 404
    assert client.get("/api/alerts?first=1&size=2").json()["alerts"][0]["account"]["key"] == "delta"
    signs = (
        client.get(f"/api/accounts/{acme.pk}/score").json()["expansion_signals"]
        + client.get(f"/api/accounts/{Account.objects.get(key='cobalt').pk}/explanation").json()["expansion_signals"]
    )
    assert {sign["type"] for sign in signs} == {"USAGE_LIMIT_APPROACHING", "INTEGRATION_REQUESTS"}
    growth = client.get("/api/opportunities?blocked=false").json()
    assert (growth["total"], growth["opportunities"][0]["yearly"]) == (1, "3600.00")
    assert growth["opportunities"][0]["confidence"] == {"share": 0.4, "is_assumed": True, "closed": 0}
    today = client.get("/api/today").json()
    assert [risk["saving"] for risk in today["risks"]] == ["15120.00", "2700.00", "1920.00", None]
    assert [risk["probability_is_assumed"] for risk in today["risks"]] == [True] * 4
    assert client.get("/api/today?whose=mine").json()["risks"] == []
    assert client.get("/api/milestones").json()["total"] == 2
    rules = {row["rule"]: row for row in client.get("/api/rules").json()["rules"]}
    assert rules["overage"]["conversion"] is None
    assert rules["overage"]["told"].startswith("too few to tell")
    assert "false_positive_rate" in rules["overage"]
    segments = {row["segment"]: row["accounts"] for row in client.get("/api/segments").json()["segments"]}
    assert segments["payment_trouble"] == 2
    clocks = {row["clock"]: row for row in client.get("/api/alerts/response-times").json()["clocks"]}
    assert (clocks["response"]["n"], clocks["response"]["running"], clocks["response"]["target_s"]) == (0, 4, 900)


def test_the_api_handles_signals_and_refuses_with_a_reason(company: SignalCompany, client: Client) -> None:
    member = enter(client)
    acme = alert_of("acme")
    assert ask(client, f"alerts/{acme.pk}/acknowledge")[1]["acknowledged_by"] == member.email
    assert ask(client, f"alerts/{acme.pk}/assign", {"to": member.email})[1]["assignee"] == member.email
    assert ask(client, f"alerts/{acme.pk}/assign", {"to": "no@body.example"})[0] == 409
    assert ask(client, f"alerts/{acme.pk}/snooze", {"until": "2020-01-01T00:00:00Z"})[0] == 409
    assert ask(client, f"alerts/{acme.pk}/snooze", {"until": None})[1]["until_it_changes"] is True
    assert ask(client, f"alerts/{acme.pk}/close", {"reason": "false_alarm", "closed_by": "me"})[0] == 422
    status, told = ask(client, f"alerts/{acme.pk}/close", {"reason": "false_alarm", "note": "Paid."})
    assert (status, told["state"], told["note"]) == (200, "closed", "Paid.")
    status, told = ask(client, f"alerts/{acme.pk}/close", {"reason": "acted"})
    assert status == 409
    assert "closed already" in str(told["error"])
    grown, case = Opportunity.objects.get(account__key="cobalt"), Milestone.objects.get(account__key="acme")
    assert ask(client, f"opportunities/{grown.pk}/contacted", {"note": "On the phone."})[1]["stage"] == "contacted"
    assert ask(client, f"opportunities/{grown.pk}/lost")[1]["stage"] == "lost"
    assert ask(client, f"opportunities/{grown.pk}/lost")[0] == 409
    assert ask(client, f"milestones/{case.pk}/passed-over")[1]["state"] == "passed_over"
    assert ask(client, f"milestones/{case.pk}/celebrated")[0] == 409
    for path in ("alerts/999/acknowledge", "opportunities/999/lost", "milestones/999/celebrated"):
        assert ask(client, path)[0] == 404


def test_who_only_looks_changes_nothing(company: SignalCompany, client: Client) -> None:
    acme, cobalt = alert_of("acme"), alert_of("cobalt")
    for role in ("viewer", "analyst"):
        enter(client, role)
        assert "only to see" in text_of(client, "/inbox")
        assert client.post(f"/alerts/{acme.pk}/acknowledge").status_code == 403
        assert ask(client, f"alerts/{acme.pk}/acknowledge")[0] == 403
        assert ask(client, f"opportunities/{Opportunity.objects.earliest('pk').pk}/lost")[0] == 403
        assert ask(client, f"milestones/{Milestone.objects.earliest('pk').pk}/celebrated")[0] == 403
    enter(client, "csm")
    # Ada owns Acme; nobody owns Cobalt.
    assert ask(client, f"alerts/{acme.pk}/acknowledge")[0] == 403
    assert ask(client, f"alerts/{cobalt.pk}/acknowledge")[0] == 200
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(Member.objects.get(email="csm@example.com"))
    assert strict.post(f"/alerts/{cobalt.pk}/close", {"reason": "acted"}).status_code == 403
    assert strict.post(f"/api/alerts/{cobalt.pk}/acknowledge").status_code == 403
    assert AuditEntry.objects.filter(act__startswith="alert_").count() == 1
    now = SystemClock().now()
    _, reading = do_create_key("red", by="cli:root", now=now)
    _, managing = do_create_key("adm", addresses=["127.0.0.1"], by="cli:root", now=now)
    key = {"Authorization": f"Bearer {reading}"}
    assert Client().get("/api/alerts", headers=key).json()["total"] == 4
    assert Client().get("/api/today?whose=mine", headers=key).json()["risks"] == []
    assert Client().post(f"/api/alerts/{acme.pk}/acknowledge", headers=key).status_code == 403
    answer = Client().post(f"/api/alerts/{acme.pk}/acknowledge", headers={"Authorization": f"Bearer {managing}"})
    assert answer.json()["acknowledged_by"].startswith("key:adm_")


def test_alerts_about_sources_are_for_those_who_look_after_them(company: SignalCompany, client: Client) -> None:
    now = SystemClock().now()
    Alert.objects.create(source=Source.objects.get(name="app"), rule="silence", title="app is silent", severity="high",
                         happened_at=now, detected_at=now, opened_at=now)  # fmt: skip
    enter(client, "csm")
    assert "app is silent" not in text_of(client, "/inbox")
    assert client.get("/api/alerts").json()["total"] == 4
    enter(client, "admin")
    assert "app is silent source app" in text_of(client, "/inbox")
    told = client.get("/api/alerts?severity=high").json()["alerts"]
    assert [one["source"] for one in told] == [None, None, "app"]
    assert text_of(client, f"/alerts/{told[2]['id']}")


def test_empty_pages_say_why(db: None, client: Client) -> None:
    enter(client)
    assert "No alert yet" in text_of(client, "/inbox")
    assert "Nothing needs you" in text_of(client, "/today")
    assert "No rule looks for growth" in text_of(client, "/opportunities")
    assert "No milestone is new" in text_of(client, "/milestones")


def test_put_aside_ends_when_the_team_opens() -> None:
    berlin = Calendar(zone="Europe/Berlin")
    friday = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    # In Berlin it is Saturday already.
    assert snoozed_until("tomorrow", berlin, friday) == datetime(2026, 11, 29, 8, tzinfo=UTC)
    assert snoozed_until("week", berlin, friday) == datetime(2026, 11, 30, 8, tzinfo=UTC)
    monday = datetime(2026, 11, 30, 8, tzinfo=UTC)
    assert snoozed_until("week", berlin, monday) == datetime(2026, 12, 7, 8, tzinfo=UTC)
    assert snoozed_until("change", berlin, monday) is None
