"""The messages that come with the packages: complete, short, kind to their readers, and true to their samples."""

import re
from typing import Any

import pytest

from keepwell.playbooks.render import Mail, MessageError, RenderedMail
from keepwell.playbooks.template_book import inspect_templates
from keepwell.playbooks.template_field import Context
from tests.unit.playbooks.template_world import shipped_templates, shipped_text

BOOK = shipped_templates()
BOOKS = {package: shipped_templates(package) for package in ("saas", "crypto")}
NAMES = sorted(BOOK.templates)
ALL = [(package, name) for package, book in BOOKS.items() for name in sorted(book.templates)]


def mail(name: str, package: str = "saas", **changed: Any) -> RenderedMail:
    book = BOOKS[package]
    template = book.templates[name]
    return Mail(template, book.settings).rendered({**book.sample(template), **changed})


def attempt(ready: Mail, context: Context) -> tuple[str, tuple[str, ...]]:
    """The text, or the fields that it cannot be without."""
    try:
        return ready.rendered(context).text, ()
    except MessageError as refused:
        return "", refused.missing


def said(name: str, package: str = "saas") -> str:
    found = mail(name, package)
    return f"{found.subject}\n{found.text}"


@pytest.mark.parametrize(("package", "name"), ALL)
def test_every_template_becomes_a_message(package: str, name: str) -> None:
    found = mail(name, package)
    assert 0 < len(found.subject) < 70
    assert 0 < len(found.text.split()) <= 150
    assert found.html.startswith("<!doctype html>")
    assert "{{" not in found.text + found.html
    assert "  " not in found.text.replace("\n  - ", "")


@pytest.mark.parametrize(("package", "name"), ALL)
def test_text_and_html_tell_the_same_facts_and_addresses(package: str, name: str) -> None:
    found = mail(name, package)
    body = re.sub(r"(?s)<[^>]+>", " ", found.html.partition("<body")[2])
    numbers = set(re.findall(r"\$?\d[\d,.]*\d?%?", re.sub(r"https://\S+", "", found.text)))
    assert {number for number in numbers if number not in body} == set()
    assert set(re.findall(r'href="(https[^"]+)"', found.html)) == set(re.findall(r"https://[^\s)]+", found.text))


@pytest.mark.parametrize(("package", "name"), ALL)
def test_nothing_is_fetched(package: str, name: str) -> None:
    assert not re.search(r"(?i)\bsrc\s*=|<link|<img|<script|@import|url\(", mail(name, package).html)


@pytest.mark.parametrize(("package", "name"), ALL)
def test_without_a_field_the_message_is_whole_or_is_refused_by_its_name(package: str, name: str) -> None:
    book = BOOKS[package]
    template = book.templates[name]
    whole = book.sample(template)
    ready = Mail(template, book.settings)
    for root, record in whole.items():
        for field in record if isinstance(record, dict) else ():
            if root == "product":
                continue
            lacking = {**whole, root: {key: value for key, value in record.items() if key != field}}
            text, missing = attempt(ready, lacking)
            assert missing in ((), (f"{root}.{field}",))
            assert not re.search(r" [,.!?:]|\(\)|\n- ?\n", text), (root, field)


@pytest.mark.parametrize("package", BOOKS)
def test_the_folder_has_no_errors_and_says_that_its_people_are_made_up(package: str) -> None:
    issues = inspect_templates(shipped_text(package))
    assert {issue.level for issue in issues} == {"warning"}
    (example,) = [issue for issue in issues if "is_example" in issue.sentence]
    # What no event tells of; texts that show it do without.
    unknown = [issue.sentence.split("'")[1] for issue in issues if issue != example]
    assert unknown == {"saas": [], "crypto": ["uptime", "goals"]}[package]


@pytest.mark.requirement("A045")
def test_the_ceo_mail_is_that_of_the_requirement() -> None:
    found = mail("critical_ceo")
    assert found.subject == "[Urgent] Let's get you back on track"
    assert found.text.startswith("Hi Ada,\n")
    assert "with Harbour" in found.text
    assert "tomorrow for a 15-minute call" in found.text
    assert "https://harbour.example/talk" in found.text
    assert "reply with a time that works for you" in found.text
    assert "We're committed to your success." in found.text
    assert found.text.endswith("Robin Sample\nCEO & Founder\n")
    assert BOOK.settings.roles["ceo"].name == "Robin Sample"


@pytest.mark.requirement("A049", "A061", "A062", "A063", "A072", "A073", "A074", "A075")
def test_there_is_a_template_for_each_way_to_show_value() -> None:
    plan = said("critical_improvement_plan")
    assert "The last payment did not go through." in plan
    assert "Shared views and Scheduled exports" in plan
    assert "- Shared views\n- Scheduled exports\n" in said("unused_features_tutorials")
    assert "24 other accounts on the Team plan in logistics" in said("best_practices")
    assert "How a carrier halved its weekly reporting" in said("at_risk_day_7")
    assert "46 hours saved, worth $2,300 (assumed: 552 × run of an automation" in said("monthly_value_summary")
    assert "You use 42% of your features; the middle of the others is at 58%" in said("benchmark")
    assert "- Let the export run at night" in said("efficiency_tips")
    assert "Shared views" in said("feature_education")


@pytest.mark.requirement("A086", "A087", "A089", "A091", "A094", "A096", "A097", "A098", "A100")
def test_the_three_mails_before_a_limit_say_what_they_must() -> None:
    first, second, third = (said(f"limit_day_{day}") for day in (0, 3, 7))
    assert first.startswith("You're crushing it! Let's avoid any interruptions\n")
    assert "That is good work" in first
    assert "you reach the limit on 9 January 2027" in first
    assert "gives you room at once" in first
    assert "50% off the first month if you change by 15 January 2027" in first
    assert second.startswith("ROI Analysis: Harbour is paying for itself\n")
    assert "without any downtime" in second
    assert third.startswith("Final reminder: Upgrade before hitting limits\n")
    assert "Harbour slows down" in third
    assert "Upgrade with one click: https://harbour.example/account/upgrade" in third
    assert "These tips (https://harbour.example/account/usage)" in third


@pytest.mark.requirement("A049", "A060", "A073", "B127", "B138")
def test_documents_say_what_is_seen_and_what_comes_next() -> None:
    roadmap = said("document_improvement_roadmap")
    assert "- The last payment did not go through" in roadmap
    assert "In this order:\n\n- Shared views\n- Scheduled exports\n" in roadmap
    assert "the middle of 24 other accounts on the Team plan in logistics uses 58%" in roadmap
    report = said("document_value_report")
    assert "About 46 hours saved, worth $2,300 (assumed: " in report
    assert "Paid in the same time: $800." in report
    assert "- Acme: 42% of the plan's features\n- the middle of the others: 58%\n" in said("document_benchmark")
    assert "- Fee alerts\n- Batched transfers\n" in said("document_adoption_roadmap", "crypto")


@pytest.mark.requirement("A092")
def test_a_product_that_costs_more_than_it_saves_is_not_said_to_pay_for_itself() -> None:
    usage = {**BOOK.sample(BOOK.templates["limit_day_3"])["usage"], "cost": 2301}
    assert mail("limit_day_3", usage=usage).subject == "ROI Analysis: what Harbour brings"


@pytest.mark.requirement("A142")
def test_each_band_in_danger_has_its_mail() -> None:
    assert {"critical_ceo", "high_risk_csm", "at_risk_day_1"} <= set(NAMES)
    assert len({mail(name).text for name in ("critical_ceo", "high_risk_csm", "at_risk_day_1")}) == 3


@pytest.mark.requirement("B123", "B124", "B126", "B136", "B138")
def test_crypto_has_templates_for_guidance_value_and_adoption() -> None:
    assert "- Fee alerts\n- Batched transfers\n" in said("adoption_roadmap", "crypto")
    assert "How a payments team confirms transfers" in said("success_story", "crypto")
    summary = said("value_summary", "crypto")
    assert "about 31 hours saved, worth $1,550" in summary
    assert "the middle of 18 other accounts on the Team plan in payments uses 8" in summary
    assert "- Set a limit for fees per transfer\n" in said("technical_practices", "crypto")
    concern = said("at_risk_concern", "crypto")
    assert "- Some of your transactions did not go through\n- your volume of transactions changed by −35%\n" in concern


def test_an_offer_says_when_it_ends_only_if_it_does() -> None:
    template = BOOK.templates["final_retention_offer"]
    offer = {**BOOK.sample(template)["offer"]}
    assert "This offer stands until 15 January 2027." in mail("final_retention_offer").text
    offer.pop("expires_on")
    assert "stands until" not in mail("final_retention_offer", offer=offer).text
    lacking = {**BOOK.sample(BOOK.templates["limit_day_3"])["offer"]}
    lacking.pop("expires_on")
    with pytest.raises(MessageError, match=r"offer\.expires_on"):
        mail("limit_day_3", offer=lacking)


def test_a_notice_in_the_product_is_neither_letter_nor_signed() -> None:
    assert "Hi " not in said("at_risk_day_3")
    assert BOOK.templates["at_risk_day_3"].head.from_role is None
