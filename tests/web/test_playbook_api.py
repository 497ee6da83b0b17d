"""What playbooks do, at the API: the same reads and acts as the pages, for members and for keys."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from keepwell.base.clock import SystemClock
from keepwell.jobs.key import do_create_key
from keepwell.store.models import EnrolmentRecord, Member, Sending, Touch
from tests.flows.signal_world import Gym
from tests.web.playbook_company import enrolment, in_every_state, playbook_company, robin, task, touch
from tests.web.test_playbook_pages import enter

pytestmark = pytest.mark.django_db(transaction=True)
Answer = tuple[int, dict[str, object]]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Gym]:
    with playbook_company(tmp_path, SystemClock().now()) as found:
        yield found


def ask(client: Client, path: str, body: object | None = None, **headers: str) -> Answer:
    answer = client.post(f"/api/{path}", json.dumps(body or {}), content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


def test_touches_are_listed_and_let_leave_by_whom_they_speak_for(company: Gym, client: Client) -> None:
    in_every_state(SystemClock().now())
    client.force_login(robin())
    totals = {state: client.get(f"/api/touches?state={state}").json()["total"] for state in ("all", "asked", "sent")}
    assert totals == {"all": 8, "asked": 2, "sent": 1}
    assert client.get("/api/touches?account=beta").json()["total"] == 2
    assert client.get("/api/touches?account=nobody").status_code == 404
    assert client.get("/api/touches?state=done").status_code == 422
    assert len(client.get("/api/touches?first=1&size=3").json()["touches"]) == 3
    found = touch()
    told = client.get(f"/api/touches/{found.pk}").json()
    assert (told["to"], told["approve_by"], told["approvers"]) == ("ada@acme.example", "coach", ["robin@ours.example"])
    assert told["html"] == found.html
    assert "html" not in client.get("/api/touches").json()["touches"][0]
    assert ask(client, f"touches/{found.pk}/approve", {"subject": "a\nb"})[0] == 409
    assert ask(client, f"touches/{found.pk}/approve", {"html": "<b>"})[0] == 422
    status, told = ask(client, f"touches/{found.pk}/approve", {"subject": "Dear Ada"})
    assert (status, told["state"], told["subject"], told["text"]) == (200, "todo", "Dear Ada", found.text)
    assert told["approved_by"] == "robin@ours.example"
    assert ask(client, f"touches/{found.pk}/refuse")[0] == 409
    other = touch(account="beta")
    status, told = ask(client, f"touches/{other.pk}/refuse", {"reason": "Called."})
    assert (status, told["state"], told["reason"]) == (200, "suppressed", "It was not approved: Called.")
    assert ask(client, "touches/999/approve")[0] == ask(client, "touches/999/refuse")[0] == 404


def test_a_key_speaks_for_nobody_but_the_member_who_made_it(company: Gym, client: Client) -> None:
    found, now = touch(), SystemClock().now()
    enter(client, "owner")
    assert ask(client, f"touches/{found.pk}/approve")[0] == 403
    made = {
        by: do_create_key("adm", addresses=["127.0.0.1"], by=by, now=now)[1]
        for by in ("cli:root", "robin@ours.example")
    }
    Member.objects.filter(email="robin@ours.example").update(role="admin")
    from_shell = {"Authorization": f"Bearer {made['cli:root']}"}
    assert ask(Client(), f"touches/{found.pk}/approve", **from_shell)[0] == 403
    status, told = ask(Client(), f"touches/{found.pk}/approve", Authorization=f"Bearer {made['robin@ours.example']}")
    assert status == 200
    assert str(told["approved_by"]).startswith("key:adm_")
    _, narrow = do_create_key("red", scopes=["tasks:read"], by="cli:root", now=now)
    held = {"Authorization": f"Bearer {narrow}"}
    assert Client().get("/api/tasks", headers=held).json()["total"] == 2
    assert "lacks the scope touches:read" in Client().get("/api/touches", headers=held).json()["error"]
    assert Client().get("/api/enrolments", headers=held).status_code == 403
    assert ask(Client(), f"tasks/{task().pk}/reopen", **held)[0] == 403


def test_tasks_are_completed_assigned_and_reopened(company: Gym, client: Client) -> None:
    client.force_login(robin())
    found = task()
    told = client.get("/api/tasks?mine=true&account=acme").json()
    assert told["total"] == 1
    assert told["tasks"][0]["assignee"] == "robin@ours.example"
    assert "your mood at acme is 10." in told["tasks"][0]["document"]
    assert ask(client, f"tasks/{found.pk}/complete", {"outcome": "won"})[0] == 422
    status, done = ask(client, f"tasks/{found.pk}/complete", {"outcome": "not_reached", "note": "Busy."})
    assert (status, done["outcome"], done["note"], done["is_overdue"]) == (200, "not_reached", "Busy.", False)
    assert ask(client, f"tasks/{found.pk}/complete", {"outcome": "done"})[0] == 409
    assert [client.get(f"/api/tasks?state={state}").json()["total"] for state in ("to_do", "done", "all")] == [1, 1, 2]
    assert ask(client, f"tasks/{found.pk}/reopen")[1]["outcome"] == ""
    assert ask(client, f"tasks/{found.pk}/reopen")[0] == 409
    assert ask(client, f"tasks/{found.pk}/assign", {"to": None})[1]["assignee"] is None
    assert ask(client, f"tasks/{found.pk}/assign", {"to": "no@body.example"})[0] == 409
    assert ask(client, "tasks/999/assign", {"to": "no@body.example"})[0] == 404
    assert client.get("/api/tasks/999").status_code == 404
    enter(client, "viewer")
    assert ask(client, f"tasks/{found.pk}/complete", {"outcome": "done"})[0] == 403


def test_an_enrolment_is_told_with_every_step(company: Gym, client: Client) -> None:
    enter(client, "viewer")
    assert client.get("/api/enrolments?playbook=care").json()["total"] == 2
    assert client.get("/api/enrolments?playbook=other").json()["total"] == 0
    assert client.get("/api/enrolments?state=over&account=acme").json()["total"] == 0
    told = client.get(f"/api/enrolments/{enrolment().pk}").json()
    assert {step["step"]: step["state"] for step in told["steps"]} == {
        "hello": "asked", "call": "waiting", "training": "done", "wish": "suppressed", "again": "to_come",
        "tell": "to_come",
    }  # fmt: skip
    assert told["steps"][0]["touch"] == touch().pk
    assert told["steps"][1]["task"] == task().pk
    assert [(offer["offer"], offer["state"]) for offer in told["offers"]] == [("training", "stands")]
    assert client.get("/api/enrolments/999").status_code == 404


def test_sending_is_told_and_stopped(company: Gym, client: Client) -> None:
    enter(client, "viewer")
    told = client.get("/api/sending").json()
    assert (told["state"], told["is_on"], told["example_packages"]) == ("off", False, [])
    for word in ("stop", "resume", "on", "off"):
        assert ask(client, f"sending/{word}")[0] == 403
    client.force_login(robin())
    assert ask(client, "sending/stop")[1]["state"] == "stopped"
    assert ask(client, "sending/stop")[1]["changed_by"] == "robin@ours.example"
    assert ask(client, "sending/resume")[0] == 403
    enter(client, "admin")
    assert ask(client, "sending/resume")[1]["state"] == "off"
    status, told = ask(client, "sending/on")
    assert status == 409
    assert "There is no mail server yet" in str(told["error"])
    Sending.objects.update(is_on=True)
    assert ask(client, "sending/off")[1]["state"] == "off"


def test_what_the_product_shows_comes_once_and_in_order(company: Gym, client: Client) -> None:
    """One that was held comes behind those that were shown meanwhile, although it is older."""
    client.force_login(robin())
    now = SystemClock().now()
    first, second = touch(), touch(account="beta")
    contact = first.contact
    assert contact is not None
    for one, minutes in ((first, 2), (second, 1)):
        shown_at = now + timedelta(minutes=minutes)
        Touch.objects.filter(pk=one.pk).update(
            account=first.account, contact=contact, channel="in_app", state="sent", settled_at=shown_at
        )
    path = f"/api/touches/shown?account=acme&contact={contact.key}"
    begun = client.get(f"{path}&size=1").json()
    assert [one["id"] for one in begun["messages"]] == [second.pk]
    assert begun["messages"][0]["html"] == second.html
    rest = client.get(f"{path}&after={begun['next']}").json()
    assert [one["id"] for one in rest["messages"]] == [first.pk]
    assert client.get(f"{path}&after={rest['next']}").json() == {"messages": [], "next": rest["next"]}
    assert client.get(f"{path}nobody").json() == {"messages": [], "next": ""}
    assert client.get("/api/touches/shown?account=nobody&contact=ada").status_code == 404
    assert client.get(f"{path}&after=yesterday").status_code == 422


def test_enrolments_are_ended_and_begun(company: Gym, client: Client) -> None:
    member = enter(client, "lead")
    record = enrolment()
    status, told = ask(client, f"enrolments/{record.pk}/end")
    assert (status, told["finished_because"]) == (200, "ended_by_member")
    assert ask(client, f"enrolments/{record.pk}/end")[0] == 409
    assert ask(client, "enrolments/999999/end")[0] == 404
    status, told = ask(client, "enrolments", {"account": "acme", "playbook": "care"})
    assert status == 409
    assert "may start again from" in str(told["error"])
    EnrolmentRecord.objects.filter(pk=record.pk).update(started_at=record.started_at - timedelta(days=60))
    status, told = ask(client, "enrolments", {"account": "acme", "playbook": "care"})
    assert (status, told["playbook"], told["started_by"]) == (201, "care", member.email)
    assert ask(client, "enrolments", {"account": "nobody", "playbook": "care"})[0] == 404
    assert ask(client, "enrolments", {"account": "acme", "playbook": "car"})[0] == 409
    enter(client, "viewer")
    assert ask(client, "enrolments", {"account": "acme", "playbook": "care"})[0] == 403
