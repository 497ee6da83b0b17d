"""The pages of sources: what came in and what became of it, keys shown once, rejected events as they came."""

import html
import json
import re

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from keepwell.base.clock import SystemClock
from keepwell.jobs.key import do_create_key, read_key
from keepwell.store.models import ApiKey, AuditEntry, Member, RejectedEvent, Source
from keepwell.store.read.source import ledger_differences
from tests.web.source_world import plant_sources
from tests.web.world import BREAKOUT, EMAIL, MARKER, World


@pytest.fixture
def planted(world: World) -> Source:
    plant_sources(SystemClock().now())
    return Source.objects.get(name="web-app")


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def test_the_list_says_who_sends_and_who_fell_silent(planted: Source, signed_in: Client) -> None:
    shown = text_of(signed_in, "/sources")
    assert "5 sources, 1 is silent." in shown
    for name, word in (
        ("web-app", "Sending"),
        ("crm", "Silent"),
        ("survey", "No event yet"),
        ("billing", "Stopped"),
    ):
        assert re.search(rf"\b{name} .{{0,160}}?{word}", shown), name
    assert "usually no more than" in shown
    assert "/sources" in signed_in.get("/").content.decode()


def test_a_ledger_that_does_not_add_up_is_said_on_the_list_and_the_page(planted: Source, signed_in: Client) -> None:
    hostile = Source.objects.get(name__startswith="h<img")
    shown = text_of(signed_in, "/sources")
    assert "The ledger does not add up." in shown
    assert "received 3, accounted for 5" in shown
    assert "1 hour does not add up." in text_of(signed_in, f"/sources/{hostile.pk}")
    assert "Every hour adds up." in text_of(signed_in, f"/sources/{planted.pk}")


def test_a_source_shows_its_ledger_in_words_bars_and_a_table(planted: Source, signed_in: Client) -> None:
    answer = signed_in.get(f"/sources/{planted.pk}?hours=168")
    page = answer.context["page"]
    assert page.total.received == sum(hour.received for hour in page.hours)
    assert f"{page.total.received:,} events in the last 7 days" in page.ledger_text
    bars = {series["name"]: sum(series["data"]) for series in page.ledger["series"]}
    assert bars == {name.capitalize(): count for name, count in page.total.outcomes.items() if count}
    assert len(page.ledger["xAxis"]["data"]) == 168
    month = signed_in.get(f"/sources/{planted.pk}?hours=720").context["page"]
    assert 30 <= len(month.ledger["xAxis"]["data"]) <= 31
    assert sum(sum(series["data"]) for series in month.ledger["series"]) == month.total.received
    for nonsense in ("hours=x", "hours=-1", "hours=9999999999"):
        assert signed_in.get(f"/sources/{planted.pk}?{nonsense}").context["page"].span == "24"


@pytest.mark.parametrize("kind", ["srv", "ing"])
def test_a_key_is_shown_once_and_kept_nowhere(planted: Source, signed_in: Client, kind: str) -> None:
    made = signed_in.post(f"/sources/{planted.pk}/keys", {"kind": kind, "note": "for the shop"})
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    (text,) = set(re.findall(rf"{kind}_[\w-]{{43}}", made.content.decode()))
    held = read_key(text, now=SystemClock().now())
    assert held is not None
    assert (held.kind, held.source_id, held.created_by) == (kind, planted.pk, EMAIL)
    for path in ("/sources", f"/sources/{planted.pk}"):
        assert text not in signed_in.get(path).content.decode()
    assert text[:12] in signed_in.get(f"/sources/{planted.pk}").content.decode()
    assert not any(text in str(session.get_decoded()) for session in Session.objects.all())
    assert AuditEntry.objects.get(act="create_key", by=EMAIL, details__key=text[:12])


def test_a_revoked_key_is_over(planted: Source, signed_in: Client) -> None:
    key, text = do_create_key("srv", source="web-app", by=EMAIL, now=SystemClock().now())
    path = f"/sources/{planted.pk}/keys/{key.pk}/revoke"
    assert signed_in.get(path).status_code == 405
    answer = signed_in.post(path, follow=True)
    assert "is revoked" in answer.content.decode()
    assert read_key(text, now=SystemClock().now()) is None
    assert "was revoked on" in signed_in.post(path, follow=True).content.decode()


def test_a_key_of_another_source_or_kind_is_not_reached(planted: Source, signed_in: Client) -> None:
    key = ApiKey.objects.filter(source=planted, revoked_at=None).first()
    assert key is not None
    other = Source.objects.get(name="crm")
    assert signed_in.post(f"/sources/{other.pk}/keys/{key.pk}/revoke").status_code == 404
    assert signed_in.post(f"/sources/{planted.pk}/keys/9999/revoke").status_code == 404
    for kind in ("adm", "red", "", "x"):
        assert signed_in.post(f"/sources/{planted.pk}/keys", {"kind": kind}).status_code == 404
    assert signed_in.get("/sources/9999").status_code == 404
    stopped = Source.objects.get(name="billing")
    answer = signed_in.post(f"/sources/{stopped.pk}/keys", {"kind": "srv"}, follow=True)
    assert "was stopped" in html.unescape(answer.content.decode())


def test_a_form_without_its_token_changes_nothing(planted: Source, world: World) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.login(email=EMAIL, password="correct-horse-battery")
    before = ApiKey.objects.count()
    assert strict.post(f"/sources/{planted.pk}/keys", {"kind": "srv"}).status_code == 403
    assert ApiKey.objects.count() == before


@pytest.mark.parametrize("role", ["analyst", "lead", "csm", "viewer"])
def test_who_does_not_manage_is_told_whom_to_ask(planted: Source, signed_in: Client, role: str) -> None:
    Member.objects.filter(email=EMAIL).update(role=role)
    for path in ("/sources", f"/sources/{planted.pk}", "/sources/9999"):
        answer = signed_in.get(path)
        assert answer.status_code == 403
        assert "ask one of them" in answer.content.decode()
        assert "web-app" not in answer.content.decode()
    before = list(ApiKey.objects.values_list("pk", "revoked_at"))
    key = ApiKey.objects.filter(source=planted, revoked_at=None).first()
    assert key is not None
    assert signed_in.post(f"/sources/{planted.pk}/keys", {"kind": "srv"}).status_code == 404
    assert signed_in.post(f"/sources/{planted.pk}/keys/{key.pk}/revoke").status_code == 404
    assert list(ApiKey.objects.values_list("pk", "revoked_at")) == before
    assert 'href="/sources"' not in signed_in.get("/").content.decode()


def test_rejected_events_are_shown_by_reason_as_they_came(planted: Source, signed_in: Client) -> None:
    shown = text_of(signed_in, f"/sources/{planted.pk}")
    assert "no_subject 7 events" in shown
    assert '{"type": "track", "event": "signed_in"}' in shown
    assert "The newest 3 of 7 are shown." in shown
    assert r"\xff\xfe\x00" in shown
    RejectedEvent.objects.filter(source=planted.pk).update(replayed_at=SystemClock().now())
    assert "Nothing this source sent is waiting to be put right." in text_of(signed_in, f"/sources/{planted.pk}")


def test_a_long_body_is_cut_and_a_strange_one_is_readable(planted: Source, signed_in: Client) -> None:
    RejectedEvent.objects.filter(code="too_far_ahead").update(body="é\u202e\x1b[31m".encode() + b"x" * 60_000)
    content = signed_in.get(f"/sources/{planted.pk}").content.decode()
    assert r"é\x202e\x1b[31mxxx" in content
    assert "x" * 2_100 not in content


def test_markup_in_any_name_or_body_is_text(planted: Source, signed_in: Client) -> None:
    hostile = Source.objects.get(name__startswith="h<img")
    for path in ("/sources", f"/sources/{hostile.pk}", f"/sources/{hostile.pk}?hours={MARKER}"):
        content = signed_in.get(path).content.decode()
        assert MARKER not in content
        assert BREAKOUT not in content
        assert "&lt;img src=x onerror=" in content


def test_without_a_source_the_first_step_is_said(signed_in: Client) -> None:
    assert "keepwell source add web-app" in text_of(signed_in, "/sources")


def test_rejected_events_are_replayed_by_reason_under_their_own_ids(planted: Source, signed_in: Client) -> None:
    good = json.dumps({"type": "track", "event": "signed_in", "messageId": "m-1", "userId": "u1",
                       "context": {"groupId": "acme"}, "timestamp": "2026-11-20T08:00:00Z"})  # fmt: skip
    first = RejectedEvent.objects.filter(source=planted.pk, code="no_subject").first()
    assert first is not None
    RejectedEvent.objects.filter(pk=first.pk).update(body=good.encode(), message_id="m-1")
    answer = signed_in.post(f"/sources/{planted.pk}/replay", {"code": "no_subject"}, follow=True)
    assert "1 taken after all, 6 refused still." in answer.content.decode()
    first.refresh_from_db()
    assert first.replayed_at is not None
    assert ledger_differences() == [item for item in ledger_differences() if item.source != planted.pk]
    assert RejectedEvent.objects.filter(replayed_at=None, code="too_far_ahead").count() == 1
    RejectedEvent.objects.filter(source=planted.pk, code="no_subject").update(code="needs_server_key")
    assert "Replay 6 events" not in text_of(signed_in, f"/sources/{planted.pk}")
    claimed = signed_in.post(f"/sources/{planted.pk}/replay", {"code": "needs_server_key"}, follow=True)
    assert "Send them with a server key" in claimed.content.decode()
    assert RejectedEvent.objects.filter(replayed_at=None, code="needs_server_key").count() == 6
    nothing = signed_in.post(f"/sources/{planted.pk}/replay", {"code": "nonsense"}, follow=True)
    assert "no rejected event of this reason" in nothing.content.decode()
    assert signed_in.get(f"/sources/{planted.pk}/replay").status_code == 405
    Member.objects.filter(email=EMAIL).update(role="analyst")
    assert signed_in.post(f"/sources/{planted.pk}/replay", {"code": "too_far_ahead"}).status_code == 404


def test_keys_of_the_api_are_made_and_revoked_on_the_list(planted: Source, signed_in: Client) -> None:
    made = signed_in.post("/sources/keys", {"kind": "adm", "addresses": "127.0.0.1, 10.0.0.0/8", "days": "30"})
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    (text,) = set(re.findall(r"adm_[\w-]{43}", made.content.decode()))
    bearer = {"Authorization": f"Bearer {text}"}
    assert Client().get("/api/accounts", headers=bearer).status_code == 200
    key = ApiKey.objects.get(prefix=text[4:12])
    assert (key.created_by, key.addresses) == (EMAIL, ["127.0.0.1/32", "10.0.0.0/8"])
    assert "is revoked" in signed_in.post(f"/sources/keys/{key.pk}/revoke", follow=True).content.decode()
    assert Client().get("/api/accounts", headers=bearer).status_code == 401
    for wrong, sentence in (
        ({"kind": "adm"}, "needs the addresses"),
        ({"kind": "adm", "addresses": "here"}, "is not an address"),
        ({"kind": "adm", "addresses": "10.0.0.1", "days": "91"}, "at most 90 days"),
        ({"kind": "red", "days": "-1"}, "cannot be good for"),
    ):
        answer = signed_in.post("/sources/keys", wrong, follow=True)
        assert sentence in html.unescape(answer.content.decode())
    assert signed_in.post("/sources/keys", {"kind": "srv"}).status_code == 404
    sending = ApiKey.objects.filter(source=planted, revoked_at=None).first()
    assert sending is not None
    assert signed_in.post(f"/sources/keys/{sending.pk}/revoke").status_code == 404
    Member.objects.filter(email=EMAIL).update(role="analyst")
    assert signed_in.post("/sources/keys", {"kind": "red"}).status_code == 404
    assert signed_in.post(f"/sources/keys/{key.pk}/revoke").status_code == 404
