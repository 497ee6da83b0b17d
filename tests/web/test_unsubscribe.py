"""The way out of messages: a page that anybody with the link may use, and the button of mail programs."""

import pytest
from django.test import Client

from keepwell.base.allowance import Allowance
from keepwell.jobs.opt_out import REASON, unsubscribe_link
from keepwell.store.models import AuditEntry, Contact, OptOut, Touch
from keepwell.store.read.opt_out import opted_out_contacts
from keepwell.web import unsubscribe
from tests.jobs.touch_world import touch
from tests.web.world import World

FORM = "application/x-www-form-urlencoded"
ONE_CLICK = "List-Unsubscribe=One-Click"
PARTS = (
    '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
    "multipart/form-data; boundary=b",
)


@pytest.fixture(autouse=True)
def nobody_asked_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsubscribe, "_allowance", Allowance(unsubscribe.A_MINUTE))
    monkeypatch.setattr(unsubscribe, "FLIGHTS_S", 0.0)


@pytest.fixture
def stranger() -> Client:
    """Without cookies, and judged as a browser is."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def person(world: World) -> Contact:
    return Contact.objects.get(account=world.acme, key="c3")


def path_of(contact: Contact) -> str:
    return unsubscribe_link("", contact.pk)


def test_looking_at_the_page_changes_nothing(person: Contact, stranger: Client) -> None:
    touch(person)
    for ask in (stranger.get, stranger.head, stranger.get):
        answer = ask(path_of(person))
        assert answer.status_code == 200
    assert b"<button" in stranger.get(path_of(person)).content
    assert not OptOut.objects.exists()
    assert not AuditEntry.objects.exists()
    assert Touch.objects.get().state == "todo"


def test_the_button_opts_out_without_a_sign_in(person: Contact, stranger: Client) -> None:
    touch(person)
    answer = stranger.post(path_of(person))
    assert answer.status_code == 200
    assert "You will get no more messages" in answer.content.decode()
    assert "may still arrive" not in answer.content.decode()
    assert answer.cookies == {}
    assert opted_out_contacts([person.pk]) == {person.pk}
    assert OptOut.objects.get().way == "link"
    assert (Touch.objects.get().state, Touch.objects.get().reason) == ("suppressed", REASON)
    assert AuditEntry.objects.get().by == f"contact:{person.pk}"


@pytest.mark.parametrize(("body", "content_type"), [(ONE_CLICK, FORM), PARTS])
def test_a_mail_program_opts_out_with_one_click(
    person: Contact, stranger: Client, body: str, content_type: str
) -> None:
    answer = stranger.post(path_of(person), body, content_type=content_type)
    assert answer.status_code == 200
    assert OptOut.objects.get().way == "one_click"
    assert opted_out_contacts([person.pk]) == {person.pk}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("a=" + "b" * 100_000, FORM),
        ("&".join(f"a{number}=1" for number in range(1500))[:4000], FORM),
        ("--b\r\nbroken", "multipart/form-data; boundary=b"),
        ("x", "multipart/form-data"),
        ("\0\0", "application/octet-stream"),
        (ONE_CLICK, "text/plain; charset=nonsense"),
    ],
)
def test_no_body_keeps_anybody_from_opting_out(person: Contact, stranger: Client, body: str, content_type: str) -> None:
    answer = stranger.generic("POST", path_of(person), body.encode(), content_type)
    assert answer.status_code == 200
    assert opted_out_contacts([person.pk]) == {person.pk}


def test_repeating_it_changes_nothing(person: Contact, stranger: Client) -> None:
    stranger.post(path_of(person))
    before = list(OptOut.objects.values()), AuditEntry.objects.count()
    for _ in range(3):
        answer = stranger.post(path_of(person), ONE_CLICK, content_type=FORM)
        assert "You will get no more messages" in answer.content.decode()
    assert (list(OptOut.objects.values()), AuditEntry.objects.count()) == before


def test_what_is_on_its_way_is_told_of(person: Contact, stranger: Client) -> None:
    touch(person, "claimed")
    answer = stranger.post(path_of(person))
    assert "One was already on its way" in answer.content.decode()
    assert opted_out_contacts([person.pk]) == {person.pk}


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_link_that_was_altered_leads_nowhere_and_is_answered_kindly(
    person: Contact, stranger: Client, method: str
) -> None:
    whole = path_of(person)
    other = whole.replace(f"/{person.pk}.", f"/{person.pk + 1}.")
    for path in (whole[:-1], whole + "A", other, "/unsubscribe/x", f"/unsubscribe/{person.pk}", "/unsubscribe/%00.a"):
        answer = getattr(stranger, method)(path)
        assert answer.status_code == 404
        assert "answer the message" in answer.content.decode()
    assert not OptOut.objects.exists()


def test_a_contact_that_is_gone_is_answered_kindly(person: Contact, stranger: Client) -> None:
    path = path_of(person)
    person.delete()
    assert stranger.post(path).status_code == 404


def test_the_page_names_nobody(person: Contact, stranger: Client) -> None:
    pages = [stranger.get(path_of(person)), stranger.post(path_of(person)), stranger.get("/unsubscribe/x")]
    for answer in pages:
        text = answer.content.decode()
        assert not [word for word in (person.name, person.email, "Acme", "Keepwell", "<script") if word in text]


def test_the_page_is_kept_by_nobody_and_framed_by_nobody(person: Contact, stranger: Client) -> None:
    for answer in (stranger.get(path_of(person)), stranger.post(path_of(person)), stranger.get("/unsubscribe/x")):
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin"
        assert {"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"} <= {
            part.strip() for part in answer["Content-Security-Policy"].split(";")
        }


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(person: Contact, stranger: Client, method: str) -> None:
    assert getattr(stranger, method)(path_of(person)).status_code == 405
    assert not OptOut.objects.exists()


def test_a_storm_on_one_link_is_slowed_down_and_others_are_not(person: Contact, stranger: Client) -> None:
    answers = [stranger.post(path_of(person)).status_code for _ in range(unsubscribe.A_MINUTE + 1)]
    assert answers == [200] * unsubscribe.A_MINUTE + [429]
    late = stranger.post(path_of(person))
    assert int(late["Retry-After"]) > 0
    assert "holds" in late.content.decode()
    other = Contact.objects.get(account=person.account_id, key="c4")
    assert stranger.post(path_of(other)).status_code == 200
    assert stranger.get(path_of(person)).status_code == 200


def test_a_member_who_is_signed_in_sees_the_same_page(person: Contact, signed_in: Client) -> None:
    assert "<button" in signed_in.get(path_of(person)).content.decode()
    assert signed_in.post(path_of(person)).status_code == 200
    assert OptOut.objects.get().by == f"contact:{person.pk}"
