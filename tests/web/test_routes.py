"""Every route asks for a member, unless it is on a short list."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.web.world import World

# Signing in itself, what a supervisor and a browser ask before anybody is signed in, and the way out of messages, which
# asks for a signed address instead.
PUBLIC = {"sign-in", "livez", "readyz", "favicon.ico", "unsubscribe/<token>"}
# They answer only in the middle of signing in or out, and send anybody else to sign in.
HALFWAY = {"sign-out", "me/inactive", "me/second-factor/authenticate/"}
NUMBERS = (
    "account_id",
    "source_id",
    "key_id",
    "alert_id",
    "opportunity_id",
    "milestone_id",
    "touch_id",
    "task_id",
    "document_id",
    "enrolment_id",
    "pk",
)
VALUES = dict.fromkeys(NUMBERS, "1")


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        text = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, text)
        else:
            yield text


def all_routes() -> list[str]:
    return sorted(set(routes(get_resolver().url_patterns)))


def filled(route: str) -> str:
    for name, value in VALUES.items():
        route = route.replace(f"<int:{name}>", value)
    return "/" + route.replace("<token>", "1.forged")


def test_the_inventory_sees_the_routes() -> None:
    assert {"", "accounts", "accounts/<int:account_id>", "api/accounts", "api/openapi.json"} <= set(all_routes())
    assert not [route for route in all_routes() if "<" in filled(route)]


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_nobody_gets_in_without_signing_in(world: World, client: Client, method: str) -> None:
    for route in all_routes():
        if route in PUBLIC:
            continue
        answer = getattr(client, method)(filled(route))
        if answer.status_code == 302:
            assert answer["Location"].startswith("/" if route in HALFWAY else "/sign-in"), route
        else:
            assert answer.status_code in {401, 403, 405} or (route in HALFWAY and method == "get"), route
        assert b"Acme" not in answer.content, route


def test_the_public_list_is_what_answers(db: None, client: Client) -> None:
    answers = {route: client.get(filled(route)).status_code for route in PUBLIC}
    assert answers == {"sign-in": 200, "livez": 200, "readyz": 200, "favicon.ico": 301, "unsubscribe/<token>": 404}


def test_a_machine_is_told_in_its_own_way(db: None, client: Client) -> None:
    answer = client.get("/api/accounts")
    assert answer.status_code == 401
    assert answer.json() == {"error": "Sign in first."}
    part = client.get("/accounts", headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Redirect"]) == (401, "/sign-in")


def test_a_disabled_member_is_out_at_the_next_request(signed_in: Client) -> None:
    from keepwell.store.models import Member

    assert signed_in.get("/accounts").status_code == 200
    Member.objects.update(is_active=False)
    assert signed_in.get("/accounts").status_code == 302
    assert signed_in.get("/api/accounts").status_code == 401
