"""The pages of the mapping: what nobody mapped, why a guess, what a change does, and who may say it."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.test import Client

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.jobs.mapping import do_derive_history
from keepwell.store.models import Account, AuditEntry, MappingVersion, Member
from tests.web.mapping_world import plant_names
from tests.web.world import BREAKOUT, EMAIL, MARKER, PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    plant_names(found, SystemClock().now())
    return found


@pytest.fixture
def ada(home: Home, client: Client) -> Client:
    assert client.login(email=EMAIL, password=PASSWORD)
    return client


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_unmapped_names_stand_there_with_counts_an_example_and_guesses(ada: Client) -> None:
    shown = text_of(ada, "/mapping")
    assert "6 names mean nothing yet" in shown
    assert re.search(r"heartbeat desktop 1\d\d 900", shown)
    assert "featureName reports" in shown
    assert re.search(r"user\.login web-app .*signed_in the name is close", shown)
    assert re.search(r"feature_used shares \d of 3 properties", shown)
    assert "Feature Used" not in shown


def test_what_was_sent_stays_text(ada: Client) -> None:
    for path in ("/mapping", f"/mapping/name?{urlencode({'name': f'evil{MARKER}', 'to': 'feature_used'})}"):
        page = ada.get(path).content.decode()
        assert MARKER not in page
        assert BREAKOUT not in page
        assert "&lt;img src=x" in page


def test_a_choice_is_previewed_published_derived_and_removed(ada: Client, home: Home) -> None:
    address = "/mapping/name?name=Report+Exported&source=web-app&to=feature_used"
    shown = text_of(ada, address)
    assert "275 events mean something else." in shown
    assert "Feature adoption" in shown
    assert '<option value="featureName" selected>' in ada.get(address).content.decode()
    assert "240 events mean something else." in text_of(ada, f"{address}&scope=one")
    assert not MappingVersion.objects.exists()
    form = {
        "name": "Report Exported",
        "source": "web-app",
        "scope": "any",
        "to": "feature_used",
        "p:feature": "featureName",
    }
    answer = ada.post("/mapping/publish", form)
    assert (answer.status_code, answer["Location"]) == (302, "/mapping")
    shown = text_of(ada, "/mapping")
    assert "Mapping version 1 is published." in shown
    assert "comes into force with the worker's next turn" in shown.replace("&#x27;", "'")
    assert "4 names mean nothing yet" in shown
    assert AuditEntry.objects.get(act="mapping_published").by == EMAIL
    assert 'name: "Report Exported"' in home.mapping.read_text()
    do_derive_history(home, by=EMAIL, now=SystemClock().now())
    assert "comes into force" not in text_of(ada, "/mapping")
    ada.post("/mapping/remove", {"name": "Report Exported", "source": ""})
    assert "6 names mean nothing yet" in text_of(ada, "/mapping")
    assert MappingVersion.objects.count() == 2


def test_a_name_that_is_ignored_is_asked_about_no_more(ada: Client) -> None:
    ada.post("/mapping/publish", {"name": "heartbeat", "source": "desktop", "scope": "one", "to": "-"})
    shown = text_of(ada, "/mapping")
    assert "5 names mean nothing yet" in shown
    assert re.search(r"heartbeat desktop ignored", shown)


def test_a_file_with_changes_of_its_own_is_not_written_over(ada: Client, home: Home) -> None:
    home.mapping.write_text("events: [{name: heartbeat, ignore: true}]\n")
    assert "holds changes that are not published" in text_of(ada, "/mapping")
    ada.post("/mapping/publish", {"name": "heartbeat", "scope": "any", "to": "-"})
    assert not MappingVersion.objects.exists()


def test_nonsense_is_refused_and_nothing_is_published(ada: Client) -> None:
    assert ada.get("/mapping/name?name=nobody").status_code == 404
    for form in (
        {"name": "heartbeat", "to": "no_such"},
        {"name": "", "to": "-"},
        {"name": "heartbeat", "to": "signed_in", "p:X y": "z"},
    ):
        assert ada.post("/mapping/publish", form).status_code == 302
    assert not MappingVersion.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "csm", "lead", "analyst"])
def test_who_does_not_manage_sees_and_changes_nothing(ada: Client, role: str) -> None:
    Member.objects.filter(email=EMAIL).update(role=role)
    for path in ("/mapping", "/mapping/name?name=heartbeat"):
        answer = ada.get(path)
        assert answer.status_code == 403
        assert b"heartbeat" not in answer.content
    assert "/mapping" not in ada.get("/").content.decode()
    for path in ("/mapping/publish", "/mapping/remove"):
        assert ada.post(path, {"name": "heartbeat", "to": "-"}).status_code == 404
    assert not MappingVersion.objects.exists()


def test_the_events_page_says_what_an_event_was_sent_as(ada: Client, home: Home) -> None:
    ada.post("/mapping/publish", {"name": "Report Exported", "scope": "any", "to": "feature_used"})
    ada.post("/mapping/publish", {"name": "heartbeat", "scope": "any", "to": "-"})
    do_derive_history(home, by=EMAIL, now=SystemClock().now())
    account = Account.objects.get(key="acme-1")
    shown = "".join(text_of(ada, f"/accounts/{account.pk}/events?page={page}") for page in range(1, 7))
    assert "feature_used sent as Report Exported" in shown
    assert "ignored sent as heartbeat" in shown
    assert "feature_used sent as Feature Used" in shown
