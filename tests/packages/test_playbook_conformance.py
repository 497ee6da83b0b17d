"""The shipped playbooks against the requirements: what each asks for, step by step."""

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from keepwell.base.business_time import Calendar
from keepwell.jobs.package import read_folder
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import inspect_with_playbooks, load_valid_with_playbooks
from keepwell.playbooks.start import Earlier, choose_start
from keepwell.playbooks.step import Step
from keepwell.playbooks.steps.assign import Assign
from keepwell.playbooks.steps.document import Document
from keepwell.playbooks.steps.in_app import InApp
from keepwell.playbooks.steps.message import Message
from keepwell.playbooks.steps.offer import Offer
from keepwell.playbooks.steps.task import Task
from tests.packages.shipped import SHIPPED

FOLDER = Path(str(files("keepwell") / "models"))
MONDAY = datetime(2026, 6, 1, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@cache
def saas() -> PlaybookBook:
    texts = {name: read_folder(FOLDER / name, f"models/{name}") for name in SHIPPED}
    return load_valid_with_playbooks(texts["saas"], texts)[1]


def step(playbook: str, name: str) -> Step:
    (found,) = [one for one in saas().playbooks[playbook].steps if one.id == name]
    return found


def after(playbook: str, name: str) -> timedelta:
    return step(playbook, name).after.due_at(MONDAY, Calendar()) - MONDAY


def within(playbook: str, name: str) -> timedelta:
    """By when it must be done."""
    found = step(playbook, name)
    assert found.within is not None
    return found.within.due_at(MONDAY, Calendar()) - MONDAY


def asks_for_silence(playbook: str, name: str) -> bool:
    only_if = step(playbook, name).only_if
    return only_if is not None and [gate.kind for gate in only_if.gates] == ["no_response"]


@pytest.mark.parametrize("package", SHIPPED)
def test_a_shipped_package_has_no_error_in_its_playbooks(package: str) -> None:
    texts = {name: read_folder(FOLDER / name, f"models/{name}") for name in SHIPPED}
    found = inspect_with_playbooks(texts[package], texts)
    assert [str(issue) for issue in found if issue.level == "error" or "/playbooks/" in issue.file] == []


@pytest.mark.requirement("A043", "A057", "A068")
@pytest.mark.parametrize(
    ("playbook", "alert", "band"),
    [
        ("critical", "critical_health_drop", "critical"),
        ("high_risk", "entered_high_risk", "high_risk"),
        ("at_risk", "entered_at_risk", "at_risk"),
    ],
)
def test_a_playbook_starts_on_the_fall_into_its_band(playbook: str, alert: str, band: str) -> None:
    assert choose_start(saas().playbooks, alert, [], MONDAY).playbook == playbook
    bands = [one for part in saas().signals.alerts[alert].when.walk() for one in part.band_ids()]
    assert bands == [band]


def test_a_deeper_fall_takes_over() -> None:
    playbooks = saas().playbooks
    open_ones = [Earlier("at_risk", MONDAY - DAY)]
    assert choose_start(playbooks, "entered_high_risk", open_ones, MONDAY).ends == ("at_risk",)
    assert choose_start(playbooks, "critical_health_drop", open_ones, MONDAY).ends == ("at_risk",)
    assert choose_start(playbooks, "entered_at_risk", [Earlier("critical", MONDAY - DAY)], MONDAY).playbook == ""


@pytest.mark.requirement("A044", "X07", "X41")
def test_the_ceo_writes_within_the_hour_and_approves_it_first() -> None:
    mail = step("critical", "ceo_mail")
    assert isinstance(mail, Message)
    assert (mail.sender, saas().playbooks["critical"].approver(mail)) == ("ceo", "ceo")
    assert within("critical", "ceo_mail") == HOUR
    calendar = step("critical", "keep_time_free")
    assert isinstance(calendar, Task)
    assert (calendar.role, after("critical", "keep_time_free")) == ("ceo", after("critical", "ceo_mail"))


@pytest.mark.requirement("A046", "A047")
def test_a_success_manager_is_assigned_within_two_hours_and_reaches_out() -> None:
    found = step("critical", "assign_csm")
    assert isinstance(found, Assign)
    assert found.reach_out
    assert within("critical", "assign_csm") == 2 * HOUR


@pytest.mark.requirement("A048", "A049")
def test_an_analysis_with_a_roadmap_is_due_within_four_hours() -> None:
    found = step("critical", "improvement_roadmap")
    assert isinstance(found, Document)
    assert (found.template, found.cover) == ("document_improvement_roadmap", "critical_improvement_plan")
    assert within("critical", "improvement_roadmap") == 4 * HOUR


@pytest.mark.requirement("A073")
def test_the_comparison_of_an_account_at_risk_is_written_before_it_is_mailed() -> None:
    names = [one.id for one in saas().playbooks["at_risk"].steps]
    assert names.index("benchmark_report") + 1 == names.index("benchmark")
    found = step("at_risk", "benchmark_report")
    assert isinstance(found, Document)
    assert found.template == "document_benchmark"


@pytest.mark.requirement("A050", "A051", "A052")
@pytest.mark.parametrize(
    ("name", "hours"), [("phone_call", 24), ("other_ways", 48), ("final_offer", 72), ("final_offer_mail", 72)]
)
def test_silence_is_followed_up(name: str, hours: int) -> None:
    assert after("critical", name) == hours * HOUR
    assert asks_for_silence("critical", name)


@pytest.mark.requirement("A053", "A054", "A055", "A056")
def test_the_final_offer_holds_a_pause_and_the_three_others() -> None:
    offers = saas().playbooks["critical"].offers
    assert list(offers) == ["billing_pause", "plan_downgrade", "dedicated_support", "custom_solutions"]
    assert "three months" in offers["billing_pause"].about
    assert "time of grace" in offers["plan_downgrade"].about
    assert "Set-up and training sessions at no charge" in offers["dedicated_support"].about
    assert "where that is feasible" in offers["custom_solutions"].about
    made, mail = step("critical", "final_offer"), step("critical", "final_offer_mail")
    assert isinstance(made, Offer)
    assert tuple(made.offers) == tuple(offers)
    assert tuple(mail.offers_mentioned()) == ("billing_pause",)


@pytest.mark.requirement("A058", "A059", "A060")
@pytest.mark.parametrize(("name", "hours"), [("csm_mail", 4), ("consultation", 24), ("value_report", 48)])
def test_a_high_risk_is_answered_within_two_days(name: str, hours: int) -> None:
    assert within("high_risk", name) == hours * HOUR
    assert after("high_risk", name) < hours * HOUR
    found = step("high_risk", name)
    if isinstance(found, Document):
        assert (found.template, found.cover) == ("document_value_report", "value_report")
    else:
        assert found.sender_role() == "csm"


@pytest.mark.requirement("A061", "A062", "A063", "A064", "A065", "A066", "A067")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tutorials", InApp),
        ("best_practices", Message),
        ("case_study", Message),
        ("fast_track", Task),
        ("community", Message),
        ("beta", Task),
        ("partnership", Task),
    ],
)
def test_value_is_delivered_and_the_relation_rebuilt(name: str, kind: type[Step]) -> None:
    assert isinstance(step("high_risk", name), kind)


@pytest.mark.requirement("A069", "A070", "A071")
@pytest.mark.parametrize(
    ("name", "day", "kind"), [("value_mail", 1, Message), ("unused_parts", 3, InApp), ("success_story", 7, Message)]
)
def test_at_risk_is_told_of_its_value_on_days_1_3_and_7(name: str, day: int, kind: type[Step]) -> None:
    assert isinstance(step("at_risk", name), kind)
    assert after("at_risk", name) == day * DAY + HOUR


@pytest.mark.requirement("A072", "A073", "A074", "A075")
def test_the_tactics_follow_with_a_summary_every_month() -> None:
    assert [round(after("at_risk", f"summary_{month}") / DAY) for month in (1, 2, 3)] == [30, 60, 90]
    templates = [template for one in saas().playbooks["at_risk"].steps for template in one.template_ids()]
    assert {"benchmark", "efficiency_tips", "feature_education", "monthly_value_summary"} <= set(templates)
