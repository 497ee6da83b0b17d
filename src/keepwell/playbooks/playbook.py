"""A playbook: what is done for an account after a signal, in which order and when, and when it stops."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictStr

from keepwell.base.periods import Period
from keepwell.base.registry import OneOf
from keepwell.base.shape import Name, Number
from keepwell.playbooks.decision import Late
from keepwell.playbooks.offer_rule import OfferRule
from keepwell.playbooks.step import FOLDER, Step
from keepwell.signals.condition import When
from keepwell.signals.rule import Shape

# Why every playbook may end; exits of its own have other names.
CHURNED: Final = "churned"
OPTED_OUT: Final = "opted_out"
GOAL: Final = "goal_reached"
CONDITION_GONE: Final = "condition_gone"
COMPLETED: Final = "completed"
SUPERSEDED: Final = "superseded"
ENDED_BY_MEMBER: Final = "ended_by_member"


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[Name, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
Share = Annotated[Number, Field(ge=0, le=0.9)]


class Playbook(Shape):
    """`starts_on` are signals. Of playbooks that start on one signal, the one of the highest `priority` does.

    It ends when the account churned or the contact opted out, when `goal` holds, when one of `exits` holds, and with
    `while_open` when its signal no longer holds. Starting ends the open enrolments of `supersedes`. An account does
    not start it again before `again_after` from its last start.

    `approval` says whether messages in somebody's name need that person's yes. A step is late once `within`, or
    `grace` where it has none, is over; `late` then says whether it is done all the same, left out, or asked about.
    `arms` are weights; the share `holdout` of the accounts is left alone for comparison.
    """

    title: StrictStr
    about: StrictStr = ""
    starts_on: Names
    priority: Annotated[int, Field(ge=1, le=100, strict=True)]
    goal: When | None = None
    exits: Mapping[Name, When] = Field(default={})
    while_open: StrictBool = False
    supersedes: tuple[Name, ...] = ()
    again_after: Period = timedelta(days=30)
    approval: Literal["sender", "none"] = "sender"
    late: Late = "ask"
    grace: Period = timedelta(hours=1)
    roles: tuple[Name, ...] = ()
    arms: Mapping[Name, Annotated[Number, Field(gt=0, le=1000)]] = Field(default={})
    holdout: Share = 0.0
    offers: Mapping[Name, OfferRule] = Field(default={})
    steps: Annotated[tuple[Annotated[Step, OneOf(FOLDER, Step)], ...], Field(min_length=1)]

    def steps_for(self, arm: str) -> Iterator[tuple[int, Step]]:
        """Steps for the accounts of an arm, each with its place."""
        return ((place, step) for place, step in enumerate(self.steps) if step.arm in (None, arm))

    @property
    def celebrates(self) -> bool:
        """Whether a step asks if celebrating is unwise."""
        return any(step.celebrates for step in self.steps)

    def approver(self, step: Step) -> str:
        """The role that must say yes to a step, "" for nobody."""
        asked = step.approval or self.approval
        if asked == "sender":
            return step.sender_role()
        return "" if asked == "none" else asked
