"""Documents that playbooks write: from the step to the page, the PDF and the API, with the same numbers everywhere."""

import io
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Final

import pytest
from django.test import Client
from pypdf import PdfReader

from keepwell.store.models import Account, Document, Member, Notification, Task
from tests.flows.playbook_world import falls, member, playing, tasks
from tests.flows.signal_world import HOUR, NOW, Gym

pytestmark = pytest.mark.django_db(transaction=True)

PLAYBOOK: Final = """\
title: Rescue
starts_on: critical
priority: 90
goal: {score: {at_least: 60}}
while_open: true
roles: [coach]
steps:
  - {id: plan, kind: document, title: The plan, about: Read it., role: coach, template: plan, cover: hello, after: 0m,
     within: 4h}
  - {id: wish, kind: document, title: The wish, role: coach, template: wish, share: true, after: 0m}
"""
PLAN: Final = """\
---
title: Plan
subject: A plan for {{ account.name }}
purpose: retention
---
## What was seen

Your mood is **{{ usage.mood }}** of a {{ usage.mood | number }}.

- [Your plan](links.plan)
- signed {{ contact.name }}
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Gym]:
    with playing(tmp_path, {"rescue": PLAYBOOK}, plan=PLAN) as found:
        yield found


def enter(client: Client, role: str = "viewer") -> Member:
    found = Member.objects.create_user(f"{role}@example.com", None, name=role, role=role)
    client.force_login(found)
    return found


def words(markup: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", markup)))


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:[.,]\d+)*", text)


def test_a_step_writes_a_document_and_gives_a_task_that_leads_to_it(world: Gym) -> None:
    robin = member("robin", "csm", "coach")
    falls(world, "acme", NOW, to=12.5)
    document = Document.objects.get(step="plan")
    assert (document.title, document.refused_because) == ("A plan for acme", "")
    assert "Your mood is 12.5 of a 12.5." in document.text
    assert "<h2>What was seen</h2>" in document.html
    assert " style=" not in document.html
    assert document.basis == [["Mood.", "The metric 'mood'."]]
    assert document.written_at is not None
    assert document.task is not None
    assert (document.task.title, document.task.assignee, document.task.about) == ("The plan", robin, "Read it.")
    assert document.task.document.startswith("Hello Ada,")
    assert Notification.objects.filter(subject="task", member=robin).count() == 2
    assert tasks() == ["plan", "wish"]


def test_a_document_that_lacks_a_field_says_which_and_its_task_stays(world: Gym) -> None:
    falls(world, "acme", NOW)
    document = Document.objects.get(step="wish")
    assert document.refused_because == "there is no value for usage.wish."
    assert (document.text, document.is_shared) == ("", True)
    assert Task.objects.get(step="wish").done_at is None


def test_a_document_is_written_once(world: Gym) -> None:
    falls(world, "acme", NOW, to=10)
    before = list(Document.objects.order_by("pk").values())
    falls(world, "acme", NOW + HOUR, to=20)
    world.turn(NOW + 2 * HOUR)
    assert list(Document.objects.order_by("pk").values()) == before


def test_page_pdf_and_api_tell_the_same_numbers(world: Gym, client: Client) -> None:
    """U12."""
    falls(world, "acme", NOW, to=12.5)
    enter(client)
    document = Document.objects.get(step="plan")
    page = client.get(f"/documents/{document.pk}")
    assert page.status_code == 200
    body = page.content.decode().partition('aria-label="Document"')[2].partition("Open as PDF")[0]
    answer = client.get(f"/documents/{document.pk}.pdf")
    assert answer["Content-Type"] == "application/pdf"
    pdf = " ".join(one.extract_text() for one in PdfReader(io.BytesIO(answer.content)).pages)
    assert numbers(words(body)) == ["12.5", "12.5"]
    assert [one for one in numbers(pdf) if one in numbers(words(body))] == ["12.5", "12.5"]
    told = client.get(f"/api/documents/{document.pk}").json()
    assert numbers(told["text"])[:2] == ["12.5", "12.5"]
    for text in (words(page.content.decode()), re.sub(r"\s+", " ", pdf)):
        for part in (
            "A plan for acme",
            "2026",
            "gym/gym",
            "What was seen",
            "What the numbers rest on",
            "Mood. The metric",
        ):
            assert part in text, (part, text)


def test_a_document_is_seen_like_its_account(world: Gym, client: Client) -> None:
    falls(world, "acme", NOW)
    document, account = Document.objects.get(step="plan"), Account.objects.get(key="acme")
    assert client.get(f"/documents/{document.pk}").status_code == 302
    assert client.get(f"/documents/{document.pk}.pdf").status_code == 302
    assert client.get(f"/api/documents/{document.pk}").status_code == 401
    found = enter(client)
    for path in ("/documents/{}", "/documents/{}.pdf", "/api/documents/{}"):
        assert client.get(path.format(document.pk)).status_code == 200
        assert client.get(path.format(9999)).status_code == 404
    assert f"/documents/{document.pk}" in client.get(f"/accounts/{account.pk}").content.decode()
    assert f"/documents/{document.pk}" in client.get("/tasks").content.decode()
    listed = client.get("/api/documents?account=acme").json()
    assert (listed["total"], {one["title"] for one in listed["documents"]}) == (2, {"A plan for acme", "The wish"})
    assert client.get("/api/documents?account=beta").json()["total"] == 0
    assert client.get("/api/documents?account=nobody").status_code == 404
    found.is_active = False
    found.save()
    assert client.get(f"/documents/{document.pk}").status_code in (302, 404)


def test_one_that_could_not_be_written_has_a_page_and_no_pdf(world: Gym, client: Client) -> None:
    falls(world, "acme", NOW)
    enter(client)
    document = Document.objects.get(step="wish")
    assert "there is no value for usage.wish." in client.get(f"/documents/{document.pk}").content.decode()
    assert client.get(f"/documents/{document.pk}.pdf").status_code == 404


def test_whoever_may_see_no_account_gets_404(world: Gym, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    falls(world, "acme", NOW)
    enter(client)
    document = Document.objects.get(step="plan")
    monkeypatch.setattr("keepwell.store.read.document.visible_accounts", lambda _: Account.objects.none())
    for path in ("/documents/{}", "/documents/{}.pdf", "/api/documents/{}"):
        assert client.get(path.format(document.pk)).status_code == 404


def test_values_are_words_on_the_page_and_in_the_pdf(world: Gym, client: Client) -> None:
    falls(world, "acme", NOW)
    enter(client)
    document = Document.objects.get(step="plan")
    Account.objects.filter(key="acme").update(name="<img src=x onerror=a()> 東京 Größe")
    page = client.get(f"/documents/{document.pk}").content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=a()&gt;" in page
    answer = client.get(f"/documents/{document.pk}.pdf")
    text = PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    assert "Größe" in text
