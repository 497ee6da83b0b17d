"""Signing in: who gets in, who does not, and what neither can do."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import Settings as DjangoSettings

from keepwell.jobs.audit import verify_chain
from keepwell.store.models import AuditEntry, Member
from tests.web.world import EMAIL, PASSWORD, World


def test_the_right_password_opens_the_overview(world: World, client: Client) -> None:
    answer = client.post("/sign-in", {"login": EMAIL.upper(), "password": PASSWORD}, follow=True)
    assert answer.redirect_chain == [("/", 302)]
    assert b"Overview" in answer.content
    assert list(AuditEntry.objects.values_list("act", flat=True)) == ["sign_in"]


def test_a_wrong_password_and_an_unknown_member_are_told_the_same(world: World, client: Client) -> None:
    wrong = client.post("/sign-in", {"login": EMAIL, "password": "not the password"})
    unknown = client.post("/sign-in", {"login": "nobody@keepwell.example", "password": "not the password"})
    assert wrong.status_code == unknown.status_code == 200
    told = wrong.context["form"].non_field_errors()
    assert told
    assert told == unknown.context["form"].non_field_errors()
    assert list(AuditEntry.objects.values_list("act", flat=True)) == ["fail_sign_in", "fail_sign_in"]
    assert verify_chain().holds


def test_many_failures_answer_429_and_lock_nobody_for_good(world: World, client: Client) -> None:
    answers = [client.post("/sign-in", {"login": EMAIL, "password": "wrong"}).status_code for _ in range(20)]
    assert answers[0] == 200
    assert answers[-1] == 429
    # Another address, where the victim sits, is not shut out by failures of this one against other members.
    other = Client(REMOTE_ADDR="192.0.2.7")
    grace = Member.objects.get(email="grace@keepwell.example")
    grace.set_password(PASSWORD)
    grace.save()
    assert other.post("/sign-in", {"login": grace.email, "password": PASSWORD}).status_code == 302


def test_the_session_id_changes_at_signing_in(world: World, client: Client, settings: DjangoSettings) -> None:
    session = client.session
    session["seen"] = True
    session.save()
    before = session.session_key
    client.post("/sign-in", {"login": EMAIL, "password": PASSWORD})
    after = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert after != before
    stale = Client()
    stale.cookies[settings.SESSION_COOKIE_NAME] = before or ""
    assert stale.get("/").status_code == 302


def test_a_new_password_ends_other_sessions(signed_in: Client) -> None:
    member = Member.objects.get(email=EMAIL)
    member.set_password("another-long-password")
    member.save()
    assert signed_in.get("/").status_code == 302


@pytest.mark.parametrize("to", ["//evil.example/x", r"\\evil.example", "https:evil.example", "https://evil.example/"])
def test_signing_in_leads_to_own_pages_only(world: World, client: Client, to: str) -> None:
    answer = client.post("/sign-in", {"login": EMAIL, "password": PASSWORD, "next": to})
    assert answer.status_code == 302
    assert answer["Location"] == "/"


def test_signing_in_leads_back_to_where_one_wanted(world: World, client: Client) -> None:
    wanted = client.get("/accounts?band=critical")["Location"]
    answer = client.post(wanted, {"login": EMAIL, "password": PASSWORD, "next": "/accounts?band=critical"})
    assert answer["Location"] == "/accounts?band=critical"


def test_a_change_needs_the_token_of_our_own_form(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(Member.objects.get(email=EMAIL), backend="allauth.account.auth_backends.AuthenticationBackend")
    from_elsewhere = {"HTTP_ORIGIN": "https://evil.example"}
    assert client.post("/sign-out", **from_elsewhere).status_code == 403  # type: ignore[arg-type]
    assert client.post("/sign-out", "x", content_type="text/plain").status_code == 403
    assert client.get("/sign-out").status_code == 200
    assert client.get("/").status_code == 200  # still signed in: reading never changes anything


def test_signing_out_needs_the_button_and_leaves_nothing(signed_in: Client) -> None:
    assert signed_in.post("/sign-out").status_code == 302
    assert signed_in.get("/").status_code == 302


def test_nobody_signs_up_and_there_is_no_set_up_page(signed_in: Client) -> None:
    for path in ("/sign-up", "/setup", "/init", "/me/password/reset"):
        assert signed_in.get(path).status_code == 404


@pytest.mark.parametrize("password", ["short7!", "password123", "1234567890", "adabyron-ada"])
def test_weak_passwords_are_refused(world: World, password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, Member.objects.get(email=EMAIL))


def test_long_passwords_and_blanks_are_accepted_as_typed(world: World, client: Client) -> None:
    member = Member.objects.get(email=EMAIL)
    long = "  six blind mice ran up the tall clock on a cold winter morning before the town woke  "
    validate_password(long, member)
    member.set_password(long)
    member.save()
    assert client.post("/sign-in", {"login": EMAIL, "password": long}).status_code == 302
    assert Client().post("/sign-in", {"login": EMAIL, "password": long.strip()}).status_code == 200


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(
    world: World, client: Client, settings: DjangoSettings
) -> None:
    client.get("/sign-in")
    client.post("/sign-in", {"login": EMAIL, "password": PASSWORD})
    for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["samesite"] == "Lax"
