"""The pages of the mapping in a real browser."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.web.conftest import ROOT, NewPage, Served
from tests.web.serving import environment, keepwell, start_server, stop_server
from tests.web.test_browser import TAGS
from tests.web.world import EMAIL, PASSWORD

pytestmark = pytest.mark.browser
PAGES = (
    "/mapping",
    "/mapping/name?name=Report+Exported&source=web-app&to=feature_used",
    "/mapping/name?name=heartbeat&source=desktop&to=-",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("mapping") / "home"
    assert keepwell(home, "init", "--email", "first@keepwell.example").returncode == 0
    subprocess.run(
        [sys.executable, "-m", "tests.web.mapping_world"],
        env=environment(home, PYTHONPATH=str(ROOT)), cwd=ROOT, check=True,
    )  # fmt: skip
    process, url = start_server(home, "--no-worker")
    yield Served(url, home, 0, 0, 0)
    stop_server(process)


@pytest.fixture(scope="module")
def cookies(browser: Browser, served: Served) -> list[dict[str, object]]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served.url}/sign-in")
    page.fill("input[name=login]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{served.url}/")
    found = context.cookies()
    context.close()
    return [dict(cookie) for cookie in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_breaks_an_accessibility_rule_or_scrolls_sideways(new_page: NewPage, scheme: str, width: int) -> None:
    axe = Axe()
    for path in PAGES:
        page = new_page(path, scheme=scheme, width=width)
        found = axe.run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
        broken = [(item["id"], [node["target"] for node in item["nodes"]][:3]) for item in found.response["violations"]]
        assert broken == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        assert page.evaluate("window.__ran") is None


def test_a_name_is_mapped_by_choosing_a_guess_and_publishing(new_page: NewPage) -> None:
    page = new_page("/mapping")
    page.get_by_role("row", name="user.login").get_by_role("link", name="signed_in").click()
    expect(page.get_by_text("180 events mean something else.")).to_be_visible()
    page.get_by_label("Event of the catalogue").select_option("session_ended")
    expect(page.locator(".sentence")).to_contain_text("180 events")
    page.get_by_label("Event of the catalogue").select_option("signed_in")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Mapping version 1 is published.")).to_be_visible()
    expect(page.get_by_role("region", name="Mapped names")).to_contain_text("user.login")
