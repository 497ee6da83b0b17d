"""From nothing to a page: keepwell init, serve, member, audit."""

import sqlite3
import stat
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.web.serving import keepwell, start_server, stop_server


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home and the first member's password."""
    home = tmp_path_factory.mktemp("made") / "home"
    done = keepwell(home, "init", "--email", "Ada@Example.org", "--name", "Ada")
    assert done.returncode == 0, done.stderr
    password = next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("Password:"))
    return home, password


def test_init_makes_a_home_and_shows_a_random_password_once(made: tuple[Path, str]) -> None:
    home, password = made
    assert len(password) >= 20
    assert stat.S_IMODE((home / "secret_key").stat().st_mode) == 0o600
    with sqlite3.connect(home / "state.sqlite3") as state:
        (stored,) = state.execute("SELECT password FROM store_member").fetchone()
    state.close()
    assert password not in stored


def test_a_second_init_is_refused_kindly(made: tuple[Path, str]) -> None:
    done = keepwell(made[0], "init", "--email", "eve@example.org")
    assert done.returncode == 1
    assert "set up already" in done.stderr
    assert "keepwell member add" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_members_come_and_go(made: tuple[Path, str]) -> None:
    home = made[0]
    assert keepwell(home, "member", "add", "grace@example.org", "--role", "csm").returncode == 0
    assert "grace@example.org  csm" in keepwell(home, "member", "list").stdout
    assert '"role": "csm"' in keepwell(home, "member", "list", "--json").stdout
    assert keepwell(home, "member", "disable", "grace@example.org").returncode == 0
    assert "disabled" in keepwell(home, "member", "list").stdout
    refusals = {
        ("add", "grace@example.org"): "is a member already",
        ("add", "nonsense"): "is not an e-mail address",
        ("add", "x@example.org", "--role", "boss"): "expected one of owner",
        ("disable", "grase@example.org"): "Did you mean 'grace@example.org'?",
        ("disable", "ada@example.org"): "last member",
    }
    for words, reason in refusals.items():
        done = keepwell(home, "member", *words)
        assert (done.returncode, reason in done.stderr) == (1, True), done.stderr
        assert "Traceback" not in done.stderr


def test_the_audit_chain_has_every_act_and_holds(made: tuple[Path, str]) -> None:
    done = keepwell(made[0], "audit", "verify")
    assert done.returncode == 0
    assert "each follows from the one before" in done.stdout
    cut = keepwell(made[0], "audit", "verify", "--head", "a" * 64)
    assert (cut.returncode, "cut off" in cut.stderr) == (1, True)


def test_without_a_home_the_next_step_is_said(tmp_path: Path) -> None:
    done = keepwell(tmp_path / "none", "serve")
    assert done.returncode == 1
    assert "run 'keepwell init'" in done.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("words", [["nonsense"], ["serve", "--port", "x"], ["member", "add"]])
def test_wrong_usage_exits_2(tmp_path: Path, words: list[str]) -> None:
    assert keepwell(tmp_path, *words).returncode == 2


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("KEEPWELL_DEBUG", "1", ("--host", "0.0.0.0")),
        ("KEEPWELL_DEMO", "1", ()),
        ("KEEPWELL_SECRET_KEY", "changeme", ()),
        ("KEEPWELL_PORT", "many", ()),
    ],
)
def test_serve_refuses_what_is_unsafe(made: tuple[Path, str], setting: str, value: str, words: tuple[str, ...]) -> None:
    done = keepwell(made[0], "serve", *words, **{setting: value})
    assert done.returncode == 1
    assert setting in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.requirement("A138")
def test_serve_listens_answers_and_ends_cleanly(made: tuple[Path, str]) -> None:
    process, url = start_server(made[0])
    try:
        with urllib.request.urlopen(f"{url}/readyz") as answer:
            assert (answer.status, answer.read()) == (200, b'{"status": "ready"}')
        with urllib.request.urlopen(f"{url}/") as answer:
            assert answer.url == f"{url}/sign-in?next=/"
    finally:
        begun = time.monotonic()
        code = stop_server(process)
    assert code in {0, 130}
    assert time.monotonic() - begun < 8
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/livez")


def test_cookies_of_a_site_with_https_are_bound_to_it(made: tuple[Path, str]) -> None:
    process, url = start_server(made[0], KEEPWELL_HTTPS="1")
    try:
        with urllib.request.urlopen(f"{url}/sign-in") as answer:
            cookies = answer.headers.get_all("Set-Cookie")
    finally:
        stop_server(process)
    assert len(cookies) == 1
    assert cookies[0].startswith("__Host-keepwell_csrf=")
    assert all(word in cookies[0] for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in cookies[0]
