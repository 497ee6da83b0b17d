"""Inbox and Today in a real browser, by keyboard alone; every test ends with a clean console."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.web.conftest import NewPage
from tests.web.test_browser import TAGS

pytestmark = pytest.mark.browser
PAGES = ("/inbox", "/inbox?severity=low", "/alerts/1", "/today", "/today?whose=mine", "/opportunities", "/milestones")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_breaks_an_accessibility_rule_or_scrolls_sideways(
    new_signal_page: NewPage, scheme: str, width: int
) -> None:
    for path in PAGES:
        page = new_signal_page(path, scheme=scheme, width=width)
        for menu in page.locator("details.menu summary").all()[:2]:
            menu.click()
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
        broken = [(item["id"], [node["target"] for node in item["nodes"]][:3]) for item in found.response["violations"]]
        assert broken == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_the_morning_by_keyboard(new_signal_page: NewPage) -> None:
    page = new_signal_page("/")
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page).to_have_url(re.compile(r"/today$"))
    page.keyboard.press("j")
    expect(page.locator("tr.current")).to_contain_text("Acme")
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page).to_have_url(re.compile(r"/inbox$"))
    rows = page.locator("tr[data-alert]")
    expect(rows).to_have_count(4)
    # Without a row nothing is acted on.
    page.keyboard.press("e")
    expect(page.locator("details.menu[open]")).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.get_by_role("status")).to_contain_text("is acknowledged")
    page.keyboard.press("j")
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="Until tomorrow")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("details.menu[open]")).to_have_count(0)
    expect(page.locator("tr.current details.menu summary").first).to_be_focused()
    page.keyboard.press("s")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is put aside until next week")
    expect(rows).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is closed: acted on")
    expect(rows).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/alerts/\d+$"))
