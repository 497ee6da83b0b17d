"""The demo signs its visitor in: on this machine only, and only where a demo was made."""

from dataclasses import replace

import pytest
from django.test import Client
from pytest_django import Settings as DjangoSettings

from keepwell.base.errors import SettingError
from keepwell.jobs.home import mark_demo_home, require_home
from tests.web.world import EMAIL, World


@pytest.fixture
def demo(world: World, settings: DjangoSettings) -> None:
    settings.KEEPWELL = replace(settings.KEEPWELL, demo=True)
    mark_demo_home(settings.KEEPWELL.home, EMAIL)


def test_a_visitor_of_this_machine_is_signed_in_and_told_so(demo: None, client: Client) -> None:
    answer = client.get("/accounts", headers={"Host": "localhost:8000"})
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "Demo company." in text
    assert "without a password" in text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1"])
def test_every_form_of_loopback_counts(demo: None, client: Client, host: str, address: str) -> None:
    assert client.get("/", headers={"Host": host}, REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.5", "10.0.0.1", "2001:db8::1", "0.0.0.0", "", "::ffff:192.0.2.5"])
def test_nobody_from_elsewhere(demo: None, client: Client, address: str) -> None:
    assert client.get("/", headers={"Host": "localhost"}, REMOTE_ADDR=address).status_code == 302


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip", "Via"]
)
def test_nobody_through_a_proxy_and_forged_headers_never_help(demo: None, client: Client, header: str) -> None:
    assert client.get("/", headers={"Host": "localhost", header: "127.0.0.1"}).status_code == 302
    outside = client.get("/", headers={"Host": "localhost", header: "127.0.0.1"}, REMOTE_ADDR="192.0.2.5")
    assert outside.status_code == 302


def test_nobody_by_an_outside_name_that_leads_here(demo: None, client: Client, settings: DjangoSettings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "testserver"):
        assert client.get("/", headers={"Host": host}).status_code == 302


def test_not_without_the_setting(demo: None, client: Client, settings: DjangoSettings) -> None:
    settings.KEEPWELL = replace(settings.KEEPWELL, demo=False)
    answer = client.get("/", headers={"Host": "localhost"})
    assert answer.status_code == 302


def test_not_without_a_home_that_a_demo_made(world: World, client: Client, settings: DjangoSettings) -> None:
    settings.KEEPWELL = replace(settings.KEEPWELL, demo=True)
    assert client.get("/", headers={"Host": "localhost"}).status_code == 302
    with pytest.raises(SettingError, match="not a demo company"):
        require_home(settings.KEEPWELL)


def test_the_banner_is_nowhere_else(signed_in: Client) -> None:
    assert b"Demo company" not in signed_in.get("/").content
