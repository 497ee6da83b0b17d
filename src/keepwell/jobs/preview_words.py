"""What a preview says for the codes of playbooks: as what would be, not as what was."""

from collections.abc import Mapping
from typing import Final

from keepwell.playbooks.advance import ANOTHER_PATH, TOO_LATE
from keepwell.playbooks.enrolment import HOLDOUT
from keepwell.playbooks.only import CANNOT_BE_SAID, CONDITION
from keepwell.playbooks.playbook import CHURNED, COMPLETED, CONDITION_GONE, ENDED_BY_MEMBER, GOAL, OPTED_OUT, SUPERSEDED
from keepwell.playbooks.steps.calendar import MEETING_BEGUN
from keepwell.playbooks.steps.celebrate import UNWISE
from keepwell.playbooks.steps.finish import BY_STEP
from keepwell.playbooks.steps.wait import TIME_UP
from keepwell.playbooks.touch_step import NO_OFFER

ENDS: Final[Mapping[str, str]] = {
    COMPLETED: "every step has had its turn",
    BY_STEP: "a step ends it",
    GOAL: "its goal is reached already",
    CONDITION_GONE: "what it starts on is over",
    CHURNED: "the account has left",
    OPTED_OUT: "the contact wants no more messages",
    SUPERSEDED: "another playbook goes before it",
    HOLDOUT: "the account is left alone, so that others can be compared with it",
    ENDED_BY_MEMBER: "a member ends it",
}
SKIPPED: Final[Mapping[str, str]] = {
    ANOTHER_PATH: "the account goes another path",
    TOO_LATE: "it is too late for it",
    NO_OFFER: "no offer that it speaks of stands",
    "not_eligible": "the account may have none of its offers",
    "no_path": "the account fits none of its paths",
    UNWISE: "it is no time to celebrate: a critical or high alert is open, or what the package calls unwise holds",
    MEETING_BEGUN: "the meeting that it invites to has begun",
    TIME_UP: "its time is up, and what it waits for has not come",
    CONDITION: "the account is not as the step asks",
    CANNOT_BE_SAID: "it cannot be said whether the account is as the step asks",
}


def end_words(because: str) -> str:
    """Why it would end; an exit of the playbook's own goes by its name."""
    return ENDS.get(because, f"its exit '{because}' holds already")


def skip_words(because: str, ended: str) -> str:
    """Why a step would not be done. `ended` is the code of the end where it came before the step."""
    if because in SKIPPED:
        return SKIPPED[because]
    if because == ended:
        return f"it has ended: {end_words(because)}"
    return f"it asks for '{because}', and that does not hold"
