"""Keys at the API: within their scopes, from their addresses, so often a minute, and never in an address."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from keepwell.base.clock import SystemClock
from keepwell.jobs.key import do_create_key, do_revoke_key
from keepwell.store.models import ApiKey, AuditEntry, Member, Source
from keepwell.web.key_sign_in import A_MINUTE, needed_scope
from tests.jobs.intake_world import HOUR, plant_hour, plant_source
from tests.web.world import EMAIL, World

PATHS = ("/api/accounts", "/api/accounts/1", "/api/accounts/1/score", "/api/sources", "/api/sources/1/ledger")


def make(kind: str, *, by: str = "cli:root", **more: object) -> str:
    if kind in {"ing", "srv"}:
        name = "web-app"
        if not Source.objects.filter(name=name).exists():
            plant_source(name)
        more["source"] = name
    if kind == "adm":
        more.setdefault("addresses", ["127.0.0.1"])
    _, text = do_create_key(kind, by=by, now=SystemClock().now(), **more)  # type: ignore[arg-type]
    return text


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_a_read_key_reads_what_a_member_reads(world: World, client: Client) -> None:
    text = make("red")
    found = client.get(f"/api/accounts/{world.acme}", headers=bearer(text))
    assert (found.status_code, found.json()["name"]) == (200, "Acme")
    assert client.get("/api/sources", headers=bearer(text)).json() == {"sources": []}
    assert client.get("/api/openapi.json", headers=bearer(text)).status_code == 200
    assert ApiKey.objects.get().last_used_at is not None
    # A key opens the API and no page, and leaves no session behind.
    assert client.get("/accounts", headers=bearer(text)).status_code == 302
    assert client.get(f"/api/accounts/{world.acme}").status_code == 401


@pytest.mark.parametrize("kind", ["ing", "srv"])
def test_a_key_that_sends_neither_reads_nor_changes_anything(world: World, client: Client, kind: str) -> None:
    text = make(kind)
    for path in PATHS:
        for method in ("get", "post", "put", "patch", "delete"):
            answer = getattr(client, method)(path, headers=bearer(text))
            assert answer.status_code == 403, (method, path)
            assert "only sends events" in answer.json()["error"]
            assert b"Acme" not in answer.content
            assert text.encode() not in answer.content


def test_a_read_key_that_writes_is_told_the_scope_it_lacks(world: World, client: Client) -> None:
    text = make("red")
    answer = client.put("/api/accounts:batch", data="{}", content_type="application/json", headers=bearer(text))
    assert (answer.status_code, answer.json()) == (
        403,
        {"error": f"The key {text[:12]} lacks the scope accounts:write."},
    )
    narrow = make("red", scopes=["sources:read"])
    assert "lacks the scope accounts:read" in client.get("/api/accounts", headers=bearer(narrow)).json()["error"]
    empty = make("red", scopes=[])
    for path in (*PATHS, "/api/openapi.json"):
        assert client.get(path, headers=bearer(empty)).status_code == 403
    assert client.get("/api/secret-things", headers=bearer(make("adm"))).status_code == 403


def test_what_a_request_needs() -> None:
    assert needed_scope("GET", "/api/accounts/1/score") == "accounts:read"
    assert needed_scope("PUT", "/api/accounts:batch") == "accounts:write"
    assert needed_scope("DELETE", "/api/sources/1") == "sources:write"
    assert needed_scope("HEAD", "/api/") == ":read"


def test_whatever_is_no_key_in_use_is_refused_alike(world: World, client: Client) -> None:
    revoked, expired = make("red"), make("red", lifetime=timedelta(days=1))
    do_revoke_key(revoked[:12], by="cli:root", now=SystemClock().now())
    ApiKey.objects.filter(prefix=expired[4:12]).update(expires_at=SystemClock().now() - timedelta(seconds=1))
    answers = [
        client.get("/api/accounts", headers=bearer(text)) for text in (revoked, expired, "red_" + "x" * 43, "nonsense")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0]["WWW-Authenticate"] == "Bearer"


def test_a_key_ends_with_the_member_who_made_it(world: World, client: Client) -> None:
    text = make("red", by=EMAIL)
    assert client.get("/api/accounts", headers=bearer(text)).status_code == 200
    Member.objects.filter(email=EMAIL).update(role="viewer")
    assert client.get("/api/accounts", headers=bearer(text)).status_code == 401
    Member.objects.filter(email=EMAIL).update(role="owner", is_active=False)
    assert client.get("/api/accounts", headers=bearer(text)).status_code == 401


def test_a_key_is_taken_from_its_addresses_only(world: World, client: Client) -> None:
    text = make("adm", addresses=["203.0.113.0/24"])
    assert client.get("/api/accounts", headers=bearer(text), REMOTE_ADDR="203.0.113.9").status_code == 200
    for forged in ({}, {"X-Forwarded-For": "203.0.113.9"}, {"X-Real-IP": "203.0.113.9"}):
        answer = client.get("/api/accounts", headers={**bearer(text), **forged}, REMOTE_ADDR="198.51.100.1")
        assert (answer.status_code, "address" in answer.json()["error"]) == (403, True)


@pytest.mark.parametrize(
    "path",
    [
        "/api/accounts?key={}",
        "/api/accounts?search=a&token={}",
        "/api/{}/accounts",
        "/accounts?q={}",
        "/{}",
        "/sign-in?next={}",
    ],
)
@pytest.mark.parametrize("kind", ["ing", "srv", "red", "adm"])
def test_a_key_in_an_address_is_refused_and_flagged(world: World, client: Client, path: str, kind: str) -> None:
    text = make(kind)
    for _ in range(2):
        answer = client.get(path.format(text), headers=bearer(text))
        assert answer.status_code == 400
        assert text.encode() not in answer.content
    assert ApiKey.objects.get().leaked_at is not None
    (entry,) = AuditEntry.objects.filter(act="note_leak")
    assert text not in str(entry.details)
    assert client.get(path.format("red_" + "x" * 43)).status_code == 400
    assert AuditEntry.objects.filter(act="note_leak").count() == 1


def test_a_key_that_asks_too_often_waits_and_the_others_do_not(world: World, client: Client) -> None:
    text, other = make("red"), make("red")
    passed, answer = 0, client.get("/api/secret-things", headers=bearer(text))
    # Refused for lack of a scope, which is quick; it counts like any other.
    while answer.status_code != 429 and passed < 20 * A_MINUTE:
        passed += 1
        answer = client.get("/api/secret-things", headers=bearer(text))
    assert passed >= A_MINUTE
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) == 1
    assert client.get("/api/accounts", headers=bearer(other)).status_code == 200
    for _ in range(5):
        client.get("/api/accounts", headers=bearer(text))
    assert AuditEntry.objects.filter(act="exceed_limit").count() == 1


def test_a_session_needs_no_key_and_is_not_limited_by_one(signed_in: Client) -> None:
    assert signed_in.get("/api/accounts", headers={"Authorization": "Basic eDp5"}).status_code == 200
    assert signed_in.get("/api/accounts", headers=bearer("red_wrong")).status_code == 401


def test_sources_and_their_ledger_are_given_exactly(world: World, signed_in: Client) -> None:
    now = SystemClock().now()
    source = plant_source("web-app", now=now)
    plant_hour(source, now - HOUR, {"accepted": 40, "duplicate": 3, "rejected:no_subject": 2, "waiting": 5})
    plant_hour(source, now - 3 * HOUR, {"accepted": 40}, lost=2)
    (row,) = signed_in.get("/api/sources").json()["sources"]
    assert (row["name"], row["received"], row["rejected_by_reason"]) == ("web-app", 92, {"no_subject": 2})
    assert 100 < row["lag_s"] < 400
    found = signed_in.get(f"/api/sources/{source.pk}/ledger").json()
    assert [hour["received"] for hour in found["hours"]] == [50, 42]
    assert [hour["difference"] for hour in found["hours"]] == [0, 2]
    for query in ("until=0001-01-01T00:00:00Z", "since=9999-12-31T23:59:59Z"):
        assert signed_in.get(f"/api/sources/{source.pk}/ledger?{query}").json()["hours"] == []


@pytest.mark.parametrize("role", ["analyst", "lead", "csm", "viewer"])
def test_who_does_not_manage_is_refused_the_sources(world: World, signed_in: Client, role: str) -> None:
    source = plant_source("web-app")
    Member.objects.filter(email=EMAIL).update(role=role)
    assert signed_in.get("/api/sources").status_code == 403
    hidden, missing = (signed_in.get(f"/api/sources/{number}/ledger") for number in (source.pk, 999))
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)
    assert hidden.status_code == 404


def test_no_answer_holds_anything_that_looks_like_a_key(world: World, signed_in: Client) -> None:
    texts = [make(kind) for kind in ("ing", "srv", "red", "adm")]
    for path in PATHS:
        content = signed_in.get(path).content.decode()
        assert not any(text in content for text in texts)
        assert not re.search(r"(ing|srv|red|adm)_[A-Za-z0-9_-]{20}", content)
