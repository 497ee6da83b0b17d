"""What every answer says besides its content."""

import pytest
from django.test import Client
from pytest_django import Settings as DjangoSettings

PAGES = ("/", "/accounts", "/accounts/1", "/accounts/1/events", "/api/accounts", "/sign-out")


@pytest.mark.parametrize("path", [*PAGES, "/accounts/999999"])
def test_pages_are_kept_by_nobody_and_framed_by_nobody(signed_in: Client, path: str) -> None:
    answer = signed_in.get(path)
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    policy = {part.strip() for part in answer["Content-Security-Policy"].split(";")}
    assert {"default-src 'none'", "frame-ancestors 'none'", "script-src 'self'"} <= policy
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_no_foreign_origin_is_let_in(signed_in: Client) -> None:
    answer = signed_in.get("/api/accounts", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_a_foreign_host_name_is_refused(db: None, client: Client) -> None:
    assert client.get("/sign-in", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("path", ["/", "/accounts", "/accounts/1", "/api/accounts", "/api/accounts/1/score"])
def test_a_failure_shows_an_id_and_no_stack(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("SELECT secret FROM table")

    for module in ("pages.overview", "pages.accounts", "pages.account"):
        monkeypatch.setattr(f"keepwell.web.{module}.models_for", fail)
    monkeypatch.setattr("keepwell.web.api.account.asked_model", fail)
    monkeypatch.setattr("keepwell.web.api.score.asked_model", fail)
    signed_in.raise_request_exception = False
    answer = signed_in.get(path)
    assert answer.status_code == 500
    text = answer.content.decode()
    assert answer["X-Request-Id"] in text
    assert "Traceback" not in text
    assert "SELECT" not in text
    assert answer["X-Request-Id"] in caplog.text


def test_what_is_not_there_is_404_with_an_id(signed_in: Client) -> None:
    for path in ("/nowhere", "/accounts/999999", "/accounts/999999/events", "/accounts/1/events?metric=nonsense"):
        answer = signed_in.get(path)
        assert answer.status_code == 404
        assert answer["X-Request-Id"] in answer.content.decode()


def test_nonsense_in_the_address_falls_back_to_the_plain_list(signed_in: Client) -> None:
    for query in (
        "page=-1",
        "page=x",
        "page=999999999999",
        "sort=drop",
        "band=nonsense",
        "days=0",
        "from=%00",
        "q=%00%ff",
    ):
        assert signed_in.get(f"/accounts?{query}").status_code == 200
    for query in ("as_of=yesterday", "since=x&until=y", "span=-1", "since=9999-12-31"):
        assert signed_in.get(f"/accounts/1?{query}").status_code == 200


def test_static_files_are_public_and_may_be_kept(db: None, client: Client, settings: DjangoSettings) -> None:
    answer = client.get("/static/vendor/htmx-2.0.11.min.js")
    assert answer.status_code == 200
    assert "immutable" in answer["Cache-Control"]
