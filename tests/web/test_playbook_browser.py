"""Approvals, outbox, tasks and playbooks in a real browser, by keyboard alone; every test ends with a clean console."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.web.conftest import NewPage
from tests.web.test_browser import TAGS

pytestmark = pytest.mark.browser
PAGES = (
    "/approvals",
    "/outbox",
    "/outbox?state=asked",
    "/outbox/1",
    "/tasks",
    "/enrolments",
    "/enrolments/1",
    "/accounts/1",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_breaks_an_accessibility_rule_or_scrolls_sideways(
    new_playbook_page: NewPage, scheme: str, width: int
) -> None:
    for path in PAGES:
        page = new_playbook_page(path, scheme=scheme, width=width)
        for fold in page.locator("main details summary").all()[:4]:
            fold.click()
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
        broken = [(item["id"], [node["target"] for node in item["nodes"]][:3]) for item in found.response["violations"]]
        assert broken == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def test_a_message_is_let_leave_and_another_refused_by_keyboard(new_playbook_page: NewPage) -> None:
    page = new_playbook_page("/")
    page.keyboard.press("g")
    page.keyboard.press("v")
    expect(page).to_have_url(re.compile(r"/approvals$"))
    asked = page.locator("li[data-touch]")
    expect(asked).to_have_count(2)
    # Without a message chosen, nothing is gone to.
    page.keyboard.press("c")
    page.keyboard.press("j")
    expect(page.locator("li.current")).to_contain_text("Shall we talk, Ada?")
    page.keyboard.press("c")
    # What sends takes a second key.
    expect(page.locator("li.current").get_by_role("button", name="Let it leave", exact=True)).to_be_focused()
    expect(asked).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("may leave")
    expect(asked).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.keyboard.press("Tab")
    page.keyboard.type("They called already.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is not sent")
    expect(page.locator(".empty")).to_contain_text("No message waits for a yes")


def test_a_task_is_done_by_keyboard(new_playbook_page: NewPage) -> None:
    page = new_playbook_page("/")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile(r"/tasks$"))
    page.keyboard.press("j")
    expect(page.locator("tr.current")).to_contain_text("beta")
    page.keyboard.press("e")
    expect(page.get_by_role("status")).to_contain_text("“Call them” at beta: done.")
    expect(page.locator("#group-done")).to_be_visible()


def test_the_frame_shows_the_message_and_runs_nothing(new_playbook_page: NewPage) -> None:
    page = new_playbook_page("/outbox/1")
    frame = page.frame_locator("iframe.mail")
    expect(frame.get_by_text("your mood at acme is 10.")).to_be_visible()
    assert page.locator("iframe.mail").get_attribute("sandbox") == ""
