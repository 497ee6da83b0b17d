"""What all shipped playbooks of both packages keep to."""

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from keepwell.base.business_time import Calendar
from keepwell.facts.notice import ADMIN, CSM
from keepwell.jobs.package import read_folder
from keepwell.playbooks.book import PlaybookBook
from keepwell.playbooks.check import load_valid_with_playbooks
from keepwell.playbooks.playbook import Playbook
from keepwell.playbooks.start import Earlier, choose_start
from keepwell.playbooks.steps.message import Message
from keepwell.playbooks.touch_step import TouchStep
from tests.packages.shipped import SHIPPED
from tests.unit.playbooks.template_world import shipped_templates

FOLDER = Path(str(files("keepwell") / "models"))
MONDAY = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)
# What no company signs, but a person.
PERSONS = {"ceo", "cto", CSM, "vp_customer_success"}
RESCUE = {"saas": ("critical", "high_risk", "at_risk"), "crypto": ("critical", "at_risk")}


@cache
def book(package: str) -> PlaybookBook:
    texts = {name: read_folder(FOLDER / name, f"models/{name}") for name in SHIPPED}
    return load_valid_with_playbooks(texts[package], texts)[1]


ALL = [
    pytest.param(package, path.stem, id=f"{package}-{path.stem}")
    for package in SHIPPED
    for path in sorted((FOLDER / package / "playbooks").glob("*.yaml"))
]
EVERY = pytest.mark.parametrize(("package", "name"), ALL)


def starts_on(package: str, kind: str, playbook: Playbook) -> bool:
    signals = book(package).signals
    found = {"alert": signals.alerts, "opportunity": signals.opportunities, "milestone": signals.milestones}[kind]
    return any(signal in found for signal in playbook.starts_on)


def sells(package: str, playbook: Playbook) -> bool:
    templates = shipped_templates(package).templates
    used = [template for step in playbook.steps if step.reaches_contact for template in step.template_ids()]
    return any(templates[one].head.purpose == "expansion" for one in used)


@pytest.mark.requirement("X12")
@EVERY
def test_a_playbook_ends_when_its_goal_is_reached_or_what_started_it_is_over(package: str, name: str) -> None:
    playbook = book(package).playbooks[name]
    assert playbook.goal is not None or playbook.exits or playbook.while_open
    if starts_on(package, "opportunity", playbook):
        assert playbook.goal is not None
        assert playbook.while_open


@EVERY
def test_nothing_is_sold_to_an_account_that_falls_owes_or_leaves(package: str, name: str) -> None:
    playbook = book(package).playbooks[name]
    if sells(package, playbook):
        assert {"falling", "payment_open", "ticket_open", "leaving"} <= playbook.exits.keys()
        in_danger = playbook.exits.get("in_danger", playbook.exits.get("not_healthy_any_more"))
        assert in_danger is not None


@pytest.mark.requirement("B129")
@EVERY
def test_nobody_is_congratulated_while_at_risk(package: str, name: str) -> None:
    playbook = book(package).playbooks[name]
    if starts_on(package, "milestone", playbook):
        conditions = [part for when in playbook.exits.values() for part in when.walk()]
        named = {band for part in conditions for band in part.band_ids()}
        assert {"at_risk", "critical"} <= named or named == {"healthy"}


@EVERY
def test_a_rescue_ends_what_is_sold_and_keeps_it_from_starting(package: str, name: str) -> None:
    playbooks = book(package).playbooks
    if not sells(package, playbooks[name]) and not name.startswith("celebrate"):
        return
    for rescue in RESCUE[package]:
        assert name in playbooks[rescue].supersedes
        signal = playbooks[name].starts_on[0]
        start = choose_start(playbooks, signal, [Earlier(rescue, MONDAY - DAY)], MONDAY)
        assert start.playbook != name


@pytest.mark.requirement("X07", "X41")
@EVERY
def test_what_goes_in_a_persons_name_waits_for_that_person(package: str, name: str) -> None:
    playbook = book(package).playbooks[name]
    for step in playbook.steps:
        if isinstance(step, TouchStep) and step.sender in PERSONS:
            assert playbook.approver(step) == step.sender, step.id


@pytest.mark.requirement("X41")
@EVERY
def test_whoever_signs_is_a_role_of_the_settings(package: str, name: str) -> None:
    playbook, settings = book(package).playbooks[name], shipped_templates(package).settings
    assert {role for step in playbook.steps for role in step.roles()} <= {*playbook.roles, CSM, ADMIN}
    for step in playbook.steps:
        if step.sender_role():
            assert settings.unknown_role(step.sender_role()) is None


def messages_in_a_week(playbook: Playbook) -> int:
    """The most messages that an account on one path gets in any seven days, if everything is sent on time."""
    most = 0
    for path in {None, *(step.path for step in playbook.steps)}:
        mine = [one for one in playbook.steps if isinstance(one, Message) and one.path in (None, path)]
        sent = [one.after.due_at(MONDAY, Calendar()) for one in mine]
        most = max([most, *(sum(begin <= at < begin + 7 * DAY for at in sent) for begin in sent)])
    return most


@EVERY
def test_no_contact_gets_more_than_two_messages_of_a_playbook_in_seven_days(package: str, name: str) -> None:
    assert messages_in_a_week(book(package).playbooks[name]) <= 2


@pytest.mark.parametrize("package", SHIPPED)
def test_every_template_is_used(package: str) -> None:
    used = {
        one for playbook in book(package).playbooks.values() for step in playbook.steps for one in step.template_ids()
    }
    assert shipped_templates(package).templates.keys() - used == set()


@pytest.mark.parametrize("package", SHIPPED)
def test_of_playbooks_on_one_signal_only_one_starts(package: str) -> None:
    playbooks = book(package).playbooks
    signals = [signal for playbook in playbooks.values() for signal in playbook.starts_on]
    assert len(signals) == len(set(signals))
