"""A database with the world in it, a member who is signed in, and for browser tests a served home."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django import Settings as DjangoSettings

from keepwell.base.settings import Settings
from tests.chromium import chromium_path
from tests.web.serving import environment, keepwell, start_server, stop_server
from tests.web.world import EMAIL, PASSWORD, World, plant_second_model, plant_world

ROOT = Path(__file__).parent.parent.parent
SECRET = "t" * 40
CHROMIUM_ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session", autouse=True)
def secret_key() -> None:
    """Without a home there is none, and Django looks at the old one when a test gives its own back."""
    django_settings.SECRET_KEY = SECRET


@pytest.fixture(autouse=True)
def plain_settings(settings: DjangoSettings, tmp_path: Path) -> None:
    """A home of its own, quick password hashes, and no memory of earlier failures to sign in."""
    settings.KEEPWELL = Settings(home=tmp_path, secret_key=SECRET)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def world(db: None, tmp_path: Path) -> World:
    return plant_world(tmp_path)


@pytest.fixture
def two_models(world: World) -> World:
    plant_second_model([world.acme, world.borealis])
    return world


@pytest.fixture
def signed_in(world: World, client: Client) -> Client:
    assert client.login(email=EMAIL, password=PASSWORD)
    return client


@dataclass(frozen=True)
class Served:
    """A home that `keepwell serve` serves."""

    url: str
    home: Path
    acme: int
    borealis: int
    hostile: int


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served") / "home"
    assert keepwell(home, "init", "--email", "first@keepwell.example").returncode == 0
    planted = subprocess.run(
        [sys.executable, "-m", "tests.web.plant", "70"],
        env=environment(home, PYTHONPATH=str(ROOT)), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    acme, borealis, hostile = (int(word) for word in planted.stdout.split())
    # A worker would score the planted world anew, from a log that holds little of it.
    process, url = start_server(home, "--no-worker")
    yield Served(url, home, acme, borealis, hostile)
    stop_server(process)


@pytest.fixture(scope="session")
def signals_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a served company with open alerts, opportunities and milestones."""
    home = tmp_path_factory.mktemp("signals") / "home"
    assert keepwell(home, "init", "--email", "first@keepwell.example").returncode == 0
    subprocess.run(
        [sys.executable, "-m", "tests.web.plant_signals"],
        env=environment(home, PYTHONPATH=str(ROOT)), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    process, url = start_server(home, "--no-worker")
    yield url
    stop_server(process)


@pytest.fixture(scope="session")
def playbooks_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a served company at whose accounts a playbook runs."""
    home = tmp_path_factory.mktemp("playbooks") / "home"
    assert keepwell(home, "init", "--email", "first@keepwell.example").returncode == 0
    path = os.pathsep.join((str(ROOT), str(ROOT / "src")))
    subprocess.run(
        [sys.executable, "-m", "tests.web.plant_playbooks"],
        env=environment(home, PYTHONPATH=path), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    process, url = start_server(home, "--no-worker")
    yield url
    stop_server(process)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(chromium_path()), args=CHROMIUM_ARGS)
        yield found
        found.close()


NewPage = Callable[..., Page]


@pytest.fixture(scope="session")
def cookies(browser: Browser, served: Served) -> list[dict[str, object]]:
    """Those of a member who signed in through the form, once for all tests."""
    return signed_in_at(browser, served.url)


@pytest.fixture(scope="session")
def signal_cookies(browser: Browser, signals_url: str) -> list[dict[str, object]]:
    return signed_in_at(browser, signals_url)


@pytest.fixture(scope="session")
def playbook_cookies(browser: Browser, playbooks_url: str) -> list[dict[str, object]]:
    return signed_in_at(browser, playbooks_url)


def signed_in_at(browser: Browser, url: str) -> list[dict[str, object]]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/sign-in")
    page.fill("input[name=login]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{url}/")
    found = context.cookies()
    context.close()
    return [dict(cookie) for cookie in found]


@pytest.fixture
def new_page(browser: Browser, served: Served, cookies: list[dict[str, object]]) -> Iterator[NewPage]:
    """Opens a page for the signed-in member; at the end its console must be clean."""
    yield from pages_at(browser, served.url, cookies)


@pytest.fixture
def new_signal_page(browser: Browser, signals_url: str, signal_cookies: list[dict[str, object]]) -> Iterator[NewPage]:
    """The same in the company with signals."""
    yield from pages_at(browser, signals_url, signal_cookies)


@pytest.fixture
def new_playbook_page(
    browser: Browser, playbooks_url: str, playbook_cookies: list[dict[str, object]]
) -> Iterator[NewPage]:
    """The same in the company with a playbook."""
    yield from pages_at(browser, playbooks_url, playbook_cookies)


def pages_at(browser: Browser, url: str, cookies: list[dict[str, object]]) -> Iterator[NewPage]:
    opened: list[BrowserContext] = []
    said: list[str] = []

    def open_page(path: str, *, scheme: str = "light", width: int = 1280) -> Page:
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})  # type: ignore[arg-type]
        context.add_cookies(cookies)  # type: ignore[arg-type]
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.goto(url + path)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert said == []
