"""keepwell doctor says which promise is not kept, and exits accordingly."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keepwell.base.home import Home
from keepwell.jobs.examine import Finding, examine
from keepwell.lake.log import EventLog
from keepwell.store.models import (
    Account,
    CurrentScore,
    EnrolmentRecord,
    InboxBatch,
    LedgerCount,
    ModelVersion,
    RejectedEvent,
    ScoreRecord,
    Source,
    Touch,
)
from tests.web.serving import keepwell

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    EventLog(found.log).create({})
    return found


def look(home: Home, what: str) -> Finding:
    return next(finding for finding in examine(home, now=NOW) if finding.what == what)


@pytest.mark.django_db
def test_a_ledger_that_does_not_add_up_is_ill_and_names_the_hour(home: Home) -> None:
    source = Source.objects.create(name="app", connector="http", created_at=NOW, created_by="ops")
    for outcome, count in (("received", 10), ("accepted", 9)):
        LedgerCount.objects.create(source=source.pk, key=3, hour=NOW, outcome=outcome, count=count)
    found = look(home, "ledger")
    assert found.verdict == "ill"
    assert "app, key 3, 2026-06-01 12:00: received 10, found 9" in found.sentence


@pytest.mark.django_db
def test_waiting_for_long_is_ill_and_waiting_for_a_moment_is_not(home: Home) -> None:
    row = InboxBatch.objects.create(source=1, known_at=NOW - timedelta(seconds=3), hour=NOW, events=7, body=b"")
    assert look(home, "inbox").verdict == "well"
    InboxBatch.objects.filter(pk=row.pk).update(known_at=NOW - timedelta(hours=1))
    found = look(home, "inbox")
    assert (found.verdict, found.sentence) == ("ill", "7 events wait in the inbox, the oldest for 3,600 s.")


@pytest.mark.django_db
def test_rejected_events_ask_for_a_look(home: Home) -> None:
    RejectedEvent.objects.create(source=1, known_at=NOW, dialect="segment", code="no_name", sentence="", body=b"{}")
    found = look(home, "rejected events")
    assert (found.verdict, "no_name" in found.sentence) == ("look", True)


@pytest.mark.requirement("B207")
@pytest.mark.django_db
def test_an_account_that_is_not_watched_is_counted_and_one_that_left_is_not(home: Home) -> None:
    assert look(home, "coverage").sentence == "No running account has told of an event yet."
    version = ModelVersion.objects.create(model="saas/main", number=1, digest="", text={}, published_at=NOW)
    ages = {"seen": 1, "late": 3, "lost": 30}
    for key, hours in ages.items():
        account = Account.objects.create(key=key, first_event_at=NOW - timedelta(days=90))
        record = ScoreRecord.objects.create(
            account=account, version=version, as_of=NOW - timedelta(hours=hours), coverage=1.0
        )
        CurrentScore.objects.create(account=account, model=version.model, record=record)
    Account.objects.create(key="gone", first_event_at=NOW - timedelta(days=90), churned_on=NOW.date())
    Account.objects.create(key="told of by name only")
    found = look(home, "coverage")
    assert (found.verdict, "2 of 3 running accounts have no score of the last 2 hours, 1 none" in found.sentence) == (
        "ill", True,
    )  # fmt: skip
    Account.objects.filter(key="lost").update(churned_on=NOW.date())
    found = look(home, "coverage")
    assert found.verdict == "look"
    assert found.sentence.startswith("1 of 2 running accounts have no score of the last 2 hours;")
    Account.objects.filter(key="late").update(churned_on=NOW.date())
    assert look(home, "coverage").sentence == "All running accounts (1) have a score of the last 2 hours."


def test_the_command_exits_1_where_no_worker_runs(tmp_path: Path) -> None:
    assert keepwell(tmp_path / "home", "init", "--email", "ops@example.com").returncode == 0
    done = keepwell(tmp_path / "home", "doctor", "--json")
    found = {finding["what"]: finding["verdict"] for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found["worker"] == "ill"
    assert {found[what] for what in ("database", "inbox", "ledger", "rejected events", "audit")} == {"well"}


@pytest.mark.django_db
@pytest.mark.requirement("B207")
def test_a_step_that_is_overdue_is_ill_and_messages_that_went_wrong_ask_for_a_look(home: Home) -> None:
    assert look(home, "playbooks").sentence == "No step of a playbook is overdue; 0 enrolments are open."
    assert look(home, "messages").sentence == "Sending to contacts is off; no message of the last 24 hours failed."
    account = Account.objects.create(key="acme")
    version = ModelVersion.objects.create(
        model="saas/saas", number=1, digest="", text={}, published_at=NOW, published_by="ops"
    )
    enrolment = EnrolmentRecord.objects.create(
        account=account,
        package="saas",
        playbook="critical",
        title="Critical",
        version=version,
        started_at=NOW,
        started_by="worker",
        due_at=NOW - timedelta(minutes=5),
    )
    found = look(home, "playbooks")
    assert (found.verdict, found.sentence) == (
        "ill",
        "Steps of 1 enrolments are overdue, the oldest for 300 s; a worker does them.",
    )
    for number, (state, text) in enumerate([("unknown", "Hello"), ("failed", "Hello"), ("suppressed", "")]):
        Touch.objects.create(
            enrolment=enrolment,
            account=account,
            step=f"step_{number}",
            channel="mail",
            template="hello",
            purpose="retention",
            priority=1,
            state=state,
            text=text,
            queued_at=NOW,
            due_at=NOW,
            late_at=NOW,
            late="skip",
            settled_at=NOW - timedelta(hours=1),
        )
    found = look(home, "messages")
    assert found.verdict == "look"
    assert "1 that failed, 1 that may have arrived or not, 1 that lacked a field" in found.sentence
