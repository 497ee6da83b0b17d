"""What people read for the codes of playbooks: why something was not done, why it ended, what became of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from keepwell.base.business_time import Calendar
from keepwell.base.wall_time import local_time
from keepwell.jobs.task import Outcome
from keepwell.playbooks.advance import ANOTHER_PATH, TOO_LATE
from keepwell.playbooks.enrolment import HOLDOUT
from keepwell.playbooks.only import CANNOT_BE_SAID, CONDITION
from keepwell.playbooks.playbook import (
    CHURNED,
    COMPLETED,
    CONDITION_GONE,
    ENDED_BY_MEMBER,
    GOAL,
    OPTED_OUT,
    SUPERSEDED,
    Playbook,
)
from keepwell.playbooks.steps.calendar import MEETING_BEGUN
from keepwell.playbooks.steps.celebrate import UNWISE
from keepwell.playbooks.steps.finish import BY_STEP
from keepwell.playbooks.steps.wait import TIME_UP
from keepwell.playbooks.touch_step import NO_OFFER

ENDS: Final[Mapping[str, str]] = {
    COMPLETED: "Every step had its turn.",
    BY_STEP: "A step of the playbook ended it.",
    GOAL: "Its goal was reached.",
    CONDITION_GONE: "What it started on was over.",
    CHURNED: "The account has left.",
    OPTED_OUT: "The contact wants no more messages.",
    SUPERSEDED: "A playbook for something worse took its place.",
    ENDED_BY_MEMBER: "A member ended it.",
    HOLDOUT: "The account is left alone, so that others can be compared with it.",
}
SKIPPED: Final[Mapping[str, str]] = {
    **ENDS,
    ANOTHER_PATH: "The account went another path.",
    TOO_LATE: "Nobody looked in time, and it was too late for it then.",
    NO_OFFER: "No offer that it speaks of stood.",
    "not_eligible": "The account may have none of its offers.",
    "no_path": "The account fits none of its paths.",
    UNWISE: "It is no time to celebrate: a critical or high alert was open, or what the package calls unwise held.",
    MEETING_BEGUN: "The meeting that it invites to would have begun.",
    TIME_UP: "Its time was up, and what it waited for had not come.",
    CONDITION: "The account was not as the step asks.",
    CANNOT_BE_SAID: "It could not be said whether the account was as the step asks; nobody is contacted on a guess.",
}
OUTCOMES: Final[Mapping[Outcome, str]] = {
    "done": "Done",
    "reached": "Reached",
    "not_reached": "Not reached",
    "not_needed": "Not needed",
}


def end_told(because: str) -> str:
    """Why an enrolment ended; an exit that the playbook names itself is told by its name."""
    return ENDS.get(because, f"“{because}” of the playbook held.") if because else ""


def skip_told(because: str, playbook: Playbook) -> str:
    """Why a step was not done. What is no code is a sentence already."""
    if because in SKIPPED:
        return SKIPPED[because]
    if because in playbook.exits:
        return end_told(because)
    is_code = because.replace("_", "").isalnum() and because.islower()
    return f"It asks for “{because.replace('_', ' ')}”, and that did not hold." if is_code else because


def clock_told(at: datetime, calendar: Calendar) -> str:
    """An instant as a clock there shows it, with the name of the zone."""
    return f"{local_time(at, calendar.place):%a %-d %b %Y, %H:%M} {calendar.zone}"
