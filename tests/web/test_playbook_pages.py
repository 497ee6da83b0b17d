"""Approvals, outbox, tasks and enrolments, over a playbook that the real cycle runs."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings as DjangoSettings

from keepwell.base.business_time import Calendar
from keepwell.base.clock import SystemClock
from keepwell.base.settings import Settings
from keepwell.store.models import AuditEntry, EnrolmentRecord, Member, Notification, Sending, StepRecord, Task, Touch
from keepwell.web.pages.tasks import task_groups
from tests.channels.peers import mail_server
from tests.flows.signal_world import DAY, HOUR, MINUTE, Gym, mood
from tests.web.playbook_company import enrolment, in_every_state, playbook_company, robin, task, touch
from tests.web.world import MARKER

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Gym]:
    with playbook_company(tmp_path, SystemClock().now()) as found:
        yield found


def enter(client: Client, role: str = "owner") -> Member:
    member = Member.objects.create_user(f"{role}@example.com", None, name=role.capitalize(), role=role)
    client.force_login(member)
    return member


def words(markup: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", markup)).replace("\u202f", " ")


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return words(answer.content.decode())


@pytest.mark.requirement("X07")
def test_a_message_in_somebodys_name_leaves_only_with_their_yes(company: Gym, client: Client) -> None:
    client.force_login(robin())
    page = text_of(client, "/approvals?whose=mine")
    assert "All 2 For you 2" in page
    for told in (
        "Robin Coach (coach)",
        "Ada Acme ada@acme.example",
        "Shall we talk, Ada?",
        "your mood at acme is 10.",
        "your mood at beta is 10.",
    ):
        assert told in page
    assert "Sending is off" in page
    found = touch()
    back = client.post(f"/approvals/{found.pk}/approve", {"whose": "mine"})
    assert back["Location"] == "/approvals?whose=mine"
    fresh = touch()
    assert (fresh.state, fresh.approved_by, fresh.edited_at) == ("todo", "robin@ours.example", None)
    assert (fresh.text, fresh.html) == (found.text, found.html)
    assert fresh.late_at - fresh.due_at >= 6 * HOUR - timedelta(seconds=1)
    page = text_of(client, "/approvals")
    assert "“Shall we talk, Ada?” to acme may leave" in page
    assert "All 1 For you 1" in page
    # A second yes, as of two windows, changes nothing and says so.
    client.post(f"/approvals/{found.pk}/approve")
    assert "waits for nobody's yes any more" in text_of(client, "/approvals").replace("&#x27;", "'")
    other = touch(account="beta")
    client.post(f"/approvals/{other.pk}/refuse", {"reason": f"Robin\0 called\nalready {MARKER}"})
    other.refresh_from_db()
    assert (other.state, other.reason) == ("suppressed", f"It was not approved: Robin called already {MARKER}")
    assert StepRecord.objects.get(enrolment=other.enrolment, step="hello").state == "suppressed"
    assert EnrolmentRecord.objects.get(pk=other.enrolment_id).finished_at is None
    assert "No message waits for a yes" in text_of(client, "/approvals")
    acts = (
        AuditEntry.objects.filter(by="robin@ours.example", act__startswith="touch_")
        .order_by("pk")
        .values_list("act", flat=True)
    )
    assert list(acts) == ["touch_approved", "touch_refused"]


def test_words_can_be_changed_before_a_message_leaves_and_nothing_typed_is_lost(company: Gym, client: Client) -> None:
    client.force_login(robin())
    found = touch()
    for typed, error in (
        ({"subject": "  ", "text": "Kept words"}, "The subject must be one line of 1 to 200 characters; it has 0."),
        ({"subject": "a\nb", "text": "Kept words"}, "must be one line"),
        ({"subject": "Kept", "text": " "}, "must have 1 to 20,000 characters; it has 0"),
        ({"subject": "Kept", "text": "Kept words" + "x" * 20_000}, "it has 20,010"),
        ({"subject": "Kept", "text": "Kept words \x07"}, "U+0007"),
    ):
        answer = client.post(f"/approvals/{found.pk}/approve", typed)
        page = answer.content.decode()
        assert (answer.status_code, error in page) == (422, True), error
        assert all(text.strip("\x07 ") in page for text in typed.values())
        assert page.count('<details class="edit" open>') == 1
    assert touch().state == "asked"
    words_of_ours = "Dear Ada,\r\n\r\nI <b>was</b> there.\r\nYours, Robin"
    client.post(f"/approvals/{found.pk}/approve", {"subject": "Ada", "text": words_of_ours})
    fresh = touch()
    assert (fresh.state, fresh.subject, fresh.edited_at is not None) == ("todo", "Ada", True)
    assert fresh.text == "Dear Ada,\n\nI <b>was</b> there.\nYours, Robin\n"
    assert fresh.html == "<p>Dear Ada,</p><p>I &lt;b&gt;was&lt;/b&gt; there.<br>Yours, Robin</p>"
    # The subject alone leaves the message its looks.
    other = touch(account="beta")
    client.post(f"/approvals/{other.pk}/approve", {"subject": "Ben", "text": other.text.replace("\n", "\r\n")})
    fresh = touch(account="beta")
    assert (fresh.subject, fresh.text, fresh.html) == ("Ben", other.text, other.html)


def test_only_whoever_a_message_speaks_for_may_let_it_leave(company: Gym, client: Client) -> None:
    found = touch()
    for role in ("viewer", "csm", "owner"):
        enter(client, role)
        page = client.get("/approvals").content.decode()
        assert "Waits for</dt><dd>Robin Coach" in page
        assert ">Let it leave</button>" not in page
        assert "Nothing waits for you" in text_of(client, "/approvals?whose=mine")
        assert client.post(f"/approvals/{found.pk}/approve").status_code == 403
        assert client.post(f"/approvals/{found.pk}/refuse").status_code == 403
        assert client.post("/approvals/999/approve").status_code == 404
        assert client.get(f"/approvals/{found.pk}/approve").status_code == 405
    # Nobody holds the role any more: owners and admins stand in.
    Member.objects.filter(email="robin@ours.example").update(is_active=False)
    assert ">Let it leave</button>" in client.get("/approvals").content.decode()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(Member.objects.get(email="owner@example.com"))
    assert strict.post(f"/approvals/{found.pk}/approve").status_code == 403
    assert touch().state == "asked"
    # The end of the playbook is the end of the question.
    EnrolmentRecord.objects.update(finished_at=SystemClock().now(), due_at=None, finished_because="goal_reached")
    assert client.post(f"/approvals/{found.pk}/approve").status_code == 422
    assert touch().state == "asked"


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(path).status_code == 200
    return len(found)


def test_no_list_asks_the_database_once_for_each_row(company: Gym, client: Client) -> None:
    enter(client, "viewer")
    lists = ("/outbox", "/approvals", "/tasks", "/enrolments?state=all", f"/accounts/{enrolment().account_id}")
    lists += ("/api/touches", "/api/tasks", "/api/enrolments?state=all")
    client.get("/outbox")
    before = {path: queries(client, path) for path in lists}
    in_every_state(SystemClock().now())
    for table in (Touch, Task, EnrolmentRecord):
        for row in cast("list[Any]", list(table.objects.all())):
            row.pk, row.step = None, f"{getattr(row, 'step', '')}-more"
            if isinstance(row, EnrolmentRecord):
                row.finished_at, row.due_at = SystemClock().now(), None
            row.save()
    assert [path for path in lists if queries(client, path) > before[path]] == []


def test_the_outbox_says_what_became_of_every_message(company: Gym, client: Client) -> None:
    in_every_state(SystemClock().now())
    enter(client, "viewer")
    page = text_of(client, "/outbox")
    assert "Sending is off Messages are written, judged and kept here; none leaves." in page
    assert "All 8 For approval 2 Waiting 1 Sent 1 Not sent 2 Failed 1 Unknown 1" in page
    assert "It could not be written: there is no value for usage.wish." in page
    assert "No such mailbox." in text_of(client, "/outbox?state=failed")
    held = text_of(client, "/outbox?state=waiting")
    assert "Held back" in held
    assert "It was night at the contact&#x27;s." in held
    assert "Send a test" not in page
    assert "Stop all messages" not in page
    assert "This page is past the end" in text_of(client, "/outbox?state=sent&page=2")
    assert client.get("/outbox?state=%00&page=x").status_code == 200
    assert client.get(f"/accounts/{enrolment().account_id}").content.decode().count("/outbox/") >= 5


def test_a_message_is_shown_as_it_would_look_and_can_do_nothing(company: Gym, client: Client) -> None:
    found = touch()
    Touch.objects.filter(pk=found.pk).update(
        subject=f"S {MARKER}", text=f"T {MARKER}", html=f"<p style='color:red'>H {MARKER}</p>", sender_name=MARKER
    )
    enter(client, "viewer")
    for path in (f"/outbox/{found.pk}", "/outbox", "/approvals", f"/enrolments/{found.enrolment_id}"):
        assert MARKER not in client.get(path).content.decode(), path
    page = client.get(f"/outbox/{found.pk}")
    assert "It waits for the yes of Robin Coach" in words(page.content.decode())
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]
    assert f'<iframe class="mail" sandbox="" src="/outbox/{found.pk}/html"' in page.content.decode()
    part = client.get(f"/outbox/{found.pk}/html")
    assert MARKER in part.content.decode()
    policy = {one.strip() for one in part["Content-Security-Policy"].split(";")}
    assert {
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "script-src 'none'",
        "img-src 'none'",
        "sandbox",
    } <= policy
    assert (part["X-Frame-Options"], part["Cache-Control"]) == ("SAMEORIGIN", "no-store")
    bare = touch("wish")
    assert client.get(f"/outbox/{bare.pk}/html").status_code == 404
    assert "It could not be written" in text_of(client, f"/outbox/{bare.pk}")
    for path in ("/outbox/999", "/outbox/999/html", "/enrolments/999"):
        assert client.get(path).status_code == 404


def test_sending_is_stopped_by_whoever_acts_and_let_go_by_admins(company: Gym, client: Client) -> None:
    enter(client, "viewer")
    for word in ("stop", "resume", "on", "off", "test"):
        assert client.post(f"/outbox/{word}").status_code == 403
    client.force_login(robin())
    assert client.post("/outbox/stop")["Location"] == "/outbox"
    page = text_of(client, "/outbox")
    assert "Sending is stopped. Nothing leaves until an owner or an admin lets it." in page
    assert "by robin@ours.example" in page
    assert "End the stop" not in page
    assert client.post("/outbox/resume").status_code == 403
    assert "Sending is stopped" in text_of(client, "/approvals")
    enter(client, "admin")
    assert "End the stop" in text_of(client, "/outbox")
    client.post("/outbox/resume")
    assert "The stop is over." in text_of(client, "/outbox")
    assert Sending.objects.get().is_stopped is False


def test_sending_goes_on_only_after_a_test_that_was_taken(
    company: Gym, client: Client, settings: DjangoSettings, tmp_path: Path
) -> None:
    enter(client, "admin")
    assert "There is no mail server yet" in text_of(client, "/outbox")
    client.post("/outbox/on")
    assert "There is no mail server yet; set mail_host" in text_of(client, "/outbox")
    refused = client.post("/outbox/test", {"address": "ada at example"})
    assert refused.status_code == 422
    assert 'value="ada at example"' in refused.content.decode()
    with mail_server() as server:
        settings.KEEPWELL = Settings(
            home=tmp_path, secret_key=django_settings.SECRET_KEY, mail_host="127.0.0.1", mail_port=server.port,
            mail_security="none", mail_sender="team@ours.example",
        )  # fmt: skip
        client.post("/outbox/on")
        assert "Send a test first" in text_of(client, "/outbox")
        assert client.post("/outbox/test", {"address": " me@ours.example "}).status_code == 302
        page = text_of(client, "/outbox")
        assert "took a test to me@ours.example" in page
        assert "They leave by 127.0.0.1 from team@ours.example." in page
        assert server.to == ["me@ours.example"]
        client.post("/outbox/on")
        assert "Sending is on" in text_of(client, "/outbox")
        client.post("/outbox/off")
        assert "Sending is off" in text_of(client, "/outbox")
    gone = client.post("/outbox/test", {"address": "me@ours.example"})
    assert gone.status_code == 422
    assert "The test did not leave" in gone.content.decode()
    acts = AuditEntry.objects.filter(noun="sending").order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["sending_tested", "sending_changed", "sending_changed", "sending_tested"]


def test_admins_read_which_packages_are_examples_and_that_nothing_is_sent_with_them(signed_in: Client) -> None:
    assert "Nothing is sent with the templates of saas" in text_of(signed_in, "/outbox")
    enter(signed_in, "csm")
    assert "Nothing is sent with the templates" not in text_of(signed_in, "/outbox")


def test_tasks_are_done_with_an_outcome_given_away_and_taken_back(company: Gym, client: Client) -> None:
    now = SystemClock().now()
    Task.objects.filter(account__key="beta").update(due_at=now - 3 * HOUR - MINUTE)
    client.force_login(robin())
    page = text_of(client, "/tasks?whose=mine")
    assert re.search(r"Overdue 1 .*beta .*overdue by 3 h .*(Today|Later) 1 .*acme", page)
    assert "your mood at acme is 10." in page
    found = task()
    assert f'id="task-{found.pk}"' in client.get("/tasks").content.decode()
    long = "n" * 2001
    answer = client.post(f"/tasks/{found.pk}/complete", {"outcome": "reached", "note": long})
    assert answer.status_code == 422
    assert f'value="{long}"' in answer.content.decode()
    assert "at most 2,000 characters; it has 2,001" in answer.content.decode()
    assert (
        client.post(f"/tasks/{found.pk}/complete", {"outcome": "reached", "note": f"Spoke {MARKER}", "whose": "mine"})[
            "Location"
        ]
        == "/tasks?whose=mine"
    )
    found.refresh_from_db()
    assert (found.outcome, found.done_by, found.note) == ("reached", "robin@ours.example", f"Spoke {MARKER}")
    assert set(Notification.objects.filter(subject="task", subject_id=found.pk).values_list("state", flat=True)) == {
        "suppressed"
    }
    shown = client.get("/tasks").content.decode()
    assert MARKER not in shown
    assert "Done 1" in words(shown)
    client.post(f"/tasks/{found.pk}/complete", {"outcome": "done"})
    assert "is done already" in text_of(client, "/tasks")
    client.post(f"/tasks/{found.pk}/assign", {"to": "robin@ours.example"})
    assert "cannot be given to anybody" in text_of(client, "/tasks")
    client.post(f"/tasks/{found.pk}/reopen")
    assert "is to do again" in text_of(client, "/tasks")
    client.post(f"/tasks/{found.pk}/reopen")
    assert "is to do already" in text_of(client, "/tasks")
    client.post(f"/tasks/{found.pk}/assign", {"to": ""})
    assert "belongs to nobody now" in text_of(client, "/tasks")
    for path, body in (("complete", {"outcome": "won"}), ("assign", {"to": "no@body.example"})):
        assert client.post(f"/tasks/{found.pk}/{path}", body).status_code == 404
    assert client.post("/tasks/999/reopen").status_code == 404
    enter(client, "viewer")
    assert "only to see" in text_of(client, "/tasks")
    assert client.post(f"/tasks/{found.pk}/complete", {"outcome": "done"}).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(robin())
    assert strict.post(f"/tasks/{found.pk}/complete", {"outcome": "done"}).status_code == 403


def test_an_invitation_says_when_and_where_before_it_leaves(company: Gym, client: Client) -> None:
    found = touch()
    starts_at = datetime(2026, 12, 1, 9, tzinfo=UTC)
    Touch.objects.filter(pk=found.pk).update(
        starts_at=starts_at, ends_at=starts_at + 30 * MINUTE, place=f"Room One {MARKER}"
    )
    client.force_login(robin())
    for path in ("/approvals", f"/outbox/{found.pk}"):
        page = client.get(path).content.decode()
        assert "Invites to Tuesday 1 December 2026, 10:00 to 10:30 (Europe/Berlin) Room One" in words(page), path
        assert MARKER not in page


def test_a_diagnosis_stands_with_its_task(company: Gym, client: Client) -> None:
    Task.objects.filter(pk=task().pk).update(expert="explained", template="", document=f"What weighs most {MARKER}")
    enter(client, "viewer")
    page = client.get("/tasks").content.decode()
    assert "Diagnosis What weighs most" in words(page)
    assert MARKER not in page
    Task.objects.filter(pk=task().pk).update(document="", written_at=None)
    assert "Its diagnosis is being written." in text_of(client, "/tasks")


def test_today_ends_with_the_day_of_the_team() -> None:
    # In Berlin it is 23:30.
    now = datetime(2026, 11, 27, 22, 30, tzinfo=UTC)
    groups = task_groups(now, Calendar(zone="Europe/Berlin"))
    due = {hours: Task(due_at=now + timedelta(hours=hours)) for hours in (-1, 0.25, 1)}
    found = {hours: [name for name, (_, belongs) in groups.items() if belongs(one)] for hours, one in due.items()}
    assert found == {-1: ["overdue"], 0.25: ["today"], 1: ["later"]}


def test_an_enrolment_says_of_every_step_what_became_of_it_and_why(company: Gym, client: Client) -> None:
    enter(client, "viewer")
    page = text_of(client, "/enrolments")
    assert "Open 2 Over 0 All 2" in page
    found = enrolment()
    page = text_of(client, f"/enrolments/{found.pk}").replace("&#x27;", "'")
    assert "Started on alert Health is critical" in page
    assert "Europe/Berlin; the team's is UTC" in page
    for told in (
        r"Waits for a yes Personal mail message [^.]*Europe/Berlin the contact's clock It waits for the yes of coach\.",
        r"Waiting Call them task · the task [^.]* UTC the team's clock Robin Coach is to do it\.",
        r"Done Offer a training offer",
        r"Not sent Their wish .* It could not be written: there is no value for usage\.wish\.",
        r"To come Ask again message [^.]*:\d\d Europe/Berlin the contact's clock Only if what it asks holds then\.",
        r"To come Tell the coach notify [^.]*:\d\d UTC the team's clock",
        r"Free training Stands",
    ):
        assert re.search(told, page), told
    now = SystemClock().now()
    Touch.objects.filter(pk=touch().pk).update(state="todo", held_because="It was night at the contact's.")
    Task.objects.filter(pk=task().pk).update(done_at=now, done_by="robin@ours.example", outcome="not_reached")
    page = text_of(client, f"/enrolments/{found.pk}").replace("&#x27;", "'")
    assert re.search(r"Held back Personal mail .* Held back until [^:]*:\d\d Europe/Berlin: It was night", page)
    assert "Not reached, says robin@ours.example." in page
    company.live(now + MINUTE, mood("acme", now, 90))
    company.turn(now + 5 * DAY)
    over = enrolment()
    assert over.finished_because == "completed"
    page = text_of(client, f"/enrolments/{found.pk}")
    assert "Every step had its turn." in page
    assert "Open 0 Over 2 All 2" in text_of(client, "/enrolments?state=over&playbook=care")
    assert "No playbook is open" in text_of(client, "/enrolments?playbook=nonsense")
    assert client.get("/enrolments?state=%00&page=-1").status_code == 200


def test_an_ended_enrolment_says_why_its_steps_were_skipped(company: Gym, client: Client) -> None:
    now = SystemClock().now()
    EnrolmentRecord.objects.filter(pk=enrolment().pk).update(
        finished_at=now, due_at=None, finished_because="superseded"
    )
    for step, because in (("again", "superseded"), ("tell", "no_response")):
        StepRecord.objects.create(enrolment=enrolment(), step=step, state="skipped", at=now, because=because)
    enter(client, "viewer")
    page = text_of(client, f"/enrolments/{enrolment().pk}")
    assert page.count("A playbook for something worse took its place.") == 2
    assert "It asks for “no response”, and that did not hold." in page
    assert "A playbook for something worse took its place." in text_of(client, "/enrolments?state=over")


def test_the_account_shows_its_playbooks(company: Gym, client: Client) -> None:
    enter(client, "viewer")
    page = text_of(client, f"/accounts/{enrolment().account_id}")
    assert re.search(r"Playbooks All accounts Win the account back since .* next step .*Europe/Berlin", page)
    assert "Shall we talk, Ada?" in page


def test_empty_pages_say_why(db: None, client: Client) -> None:
    enter(client)
    assert "No message waits for a yes" in text_of(client, "/approvals")
    assert "No message yet" in text_of(client, "/outbox")
    assert "Nothing is to do" in text_of(client, "/tasks")
    assert "Nothing is left for you to do" in text_of(client, "/tasks?whose=mine")
    assert "No playbook has started yet" in text_of(client, "/enrolments")


def test_a_playbook_is_ended_and_begun_by_hand(company: Gym, client: Client) -> None:
    enter(client, "lead")
    record = enrolment()
    assert "End it here" in text_of(client, f"/enrolments/{record.pk}")
    answer = client.post(f"/enrolments/{record.pk}/end", {"back": f"/enrolments/{record.pk}"}, follow=True)
    told = words(answer.content.decode())
    assert "“Win the account back” at acme is over. Its messages that waited do not leave." in told
    assert "End it here" not in told
    record.refresh_from_db()
    assert record.finished_because == "ended_by_member"

    page = f"/accounts/{record.account_id}"
    assert "Begin a playbook" in text_of(client, page)
    answer = client.post(f"{page}/playbooks", {"playbook": "care", "back": page}, follow=True)
    # It started half an hour ago; by hand, too, an account is not sent through it again so soon.
    assert "does not start at acme: It last started on" in words(answer.content.decode())
    EnrolmentRecord.objects.filter(pk=record.pk).update(started_at=record.started_at - 60 * DAY)
    answer = client.post(f"{page}/playbooks", {"playbook": "care", "back": page}, follow=True)
    assert "“Win the account back” begins at acme." in words(answer.content.decode())
    begun = EnrolmentRecord.objects.get(account=record.account_id, finished_at=None)
    assert begun.started_by == "lead@example.com"
    assert client.post(f"{page}/playbooks", {"playbook": "nothing"}).status_code == 404


def test_who_only_looks_begins_and_ends_nothing(company: Gym, client: Client) -> None:
    enter(client, "viewer")
    record = enrolment()
    assert "End it here" not in text_of(client, f"/enrolments/{record.pk}")
    assert "Begin a playbook" not in text_of(client, f"/accounts/{record.account_id}")
    assert client.post(f"/enrolments/{record.pk}/end").status_code == 403
    assert client.post(f"/accounts/{record.account_id}/playbooks", {"playbook": "care"}).status_code == 403
    record.refresh_from_db()
    assert record.finished_at is None


def test_while_sending_is_stopped_every_page_says_so(company: Gym, client: Client) -> None:
    enter(client)
    assert "Sending is stopped" not in text_of(client, "/accounts")
    client.post("/outbox/stop")
    assert "Sending is stopped since" in text_of(client, "/accounts")
    assert "by owner@example.com: no message leaves for a contact." in text_of(client, "/today")
    client.post("/outbox/resume")
    assert "Sending is stopped" not in text_of(client, "/accounts")
