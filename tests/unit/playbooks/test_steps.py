"""Every kind of step: what it decides, and whose clock it runs on."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from keepwell.base.business_time import Calendar
from keepwell.base.registry import kinds
from keepwell.facts.meeting import Meeting
from keepwell.playbooks.advance import advance
from keepwell.playbooks.decision import (
    Assign,
    Consult,
    CreateTask,
    Decision,
    Enrol,
    Finish,
    Notify,
    Offer,
    Origin,
    PostEvent,
    Send,
    ShowInApp,
    WriteDocument,
)
from keepwell.playbooks.step import FOLDER, Step
from tests.unit.playbooks.world import HEAD, START, book, enrolled, facts, hours

# A step is late after the grace of an hour; what nobody outside hears of is then done all the same.
ORIGIN = Origin("one", START, late_at=START + hours(1), late="send")
HEARD = replace(ORIGIN, late="ask")
OFFERS = "offers: {gift: {title: Gift, valid_for: 3h}}\n"
END = Finish("completed", START)
MEETING = Meeting(starts_at=START + hours(4), ends_at=START + hours(4.5), place="Room One", zone="UTC")

# By kind: what stands in the step, and everything that is decided.
CASES: dict[str, tuple[str, tuple[Decision, ...]]] = {
    "message": ("template: hello, from: ceo", (Send(replace(HEARD, approve_by="ceo"), "hello", "ceo"), END)),
    "in_app": ("template: hello", (ShowInApp(HEARD, "hello"), END)),
    "calendar": (
        "template: hello, starts: 4h, lasts: 30m, place: Room One",
        (Send(HEARD, "hello", meeting=MEETING), END),
    ),
    "celebrate": (
        "template: hello, notify: [csm], sentence: Look",
        (ShowInApp(HEARD, "hello"), Notify(HEARD, ("csm",), "Look"), END),
    ),
    "consult": (
        "about: At once, metrics: [seats]",
        (Consult(ORIGIN, "expert", "T", "At once", "explained", ("seats",)), END),
    ),
    "task": (
        "role: support, about: At once, document: report",
        (CreateTask(ORIGIN, "support", "T", "At once", "report"), END),
    ),
    "document": (
        "role: support, about: At once, template: report, cover: hello, share: true",
        (WriteDocument(ORIGIN, "support", "T", "At once", "report", "hello", is_shared=True), END),
    ),
    "assign": ("role: expert, reach_out: true", (Assign(ORIGIN, "expert", must_reach_out=True), END)),
    "notify": ("notify: [ceo, csm], sentence: Look", (Notify(ORIGIN, ("ceo", "csm"), "Look"), END)),
    "offer": ("offers: [gift]", (Offer(HEARD, {"gift": START + hours(3)}), END)),
    "wait": ("within: 1h, until: {no_response: true}, then: a", (END,)),
    "branch": ("ways: [{path: a, only_if: {no_response: true}}]", (END,)),
    "enrol": ("playbook: other", (Enrol(ORIGIN, "other"), END)),
    "webhook": (
        "to: [ceo], event: crm.at_risk, data: {stage: rescue, weight: 3, is_urgent: true}",
        (
            PostEvent(
                ORIGIN, ("ceo",), "crm.at_risk", "T", 30.0, "low", {"stage": "rescue", "weight": 3, "is_urgent": True}
            ),
            END,
        ),
    ),
    "finish": ("", (Finish("finished", START, "one"),)),
}
ON_THE_CONTACTS_CLOCK = {"message", "in_app", "calendar", "celebrate", "offer", "branch", "wait"}


def plan(kind: str, more: str = "", after: str = "0m") -> str:
    written = ", ".join(
        part for part in (f"id: one, title: T, kind: {kind}, after: {after}", CASES[kind][0], more) if part
    )
    return f"{HEAD}{OFFERS}steps:\n  - {{{written}}}\n"


def test_every_kind_is_tried() -> None:
    assert CASES.keys() == kinds(FOLDER, Step).keys()


@pytest.mark.parametrize("kind", CASES)
def test_a_step_decides_what_it_says(kind: str) -> None:
    playbook = book(one=plan(kind)).playbooks["one"]
    assert advance(playbook, enrolled(), facts(), START).decisions == CASES[kind][1]


@pytest.mark.parametrize("kind", CASES)
def test_a_time_of_day_is_that_of_the_contact_or_of_the_team(kind: str) -> None:
    enrolment = enrolled("Asia/Tokyo")
    zones = {"": "Asia/Tokyo" if kind in ON_THE_CONTACTS_CLOCK else "Europe/Berlin"}
    zones |= {"clock: contact": "Asia/Tokyo", "clock: team": "Europe/Berlin"}
    for clock, zone in zones.items():
        (step,) = book(one=plan(kind, clock, "day 1 at 09:00")).playbooks["one"].steps
        calendar = step.calendar(enrolment.contact_calendar, Calendar(zone="Europe/Berlin"))
        due_at = step.after.due_at(START, calendar)
        assert due_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == datetime(2026, 6, 2, 9)  # noqa: DTZ001 a wall time
