"""Steps: the lines of a playbook. A step decides what is to be done; it never sends anything.

One kind of step is one class in one file of `steps/`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal

from pydantic import StrictStr

from keepwell.base.business_time import Calendar
from keepwell.base.shape import Name
from keepwell.playbooks.decision import Decision, Late, Origin
from keepwell.playbooks.enrolment import Enrolment
from keepwell.playbooks.facts import Facts
from keepwell.playbooks.offer_rule import OfferRule
from keepwell.playbooks.offset import Offset
from keepwell.playbooks.only import Only
from keepwell.signals.rule import Shape

FOLDER: Final = "keepwell.playbooks.steps"

Clock = Literal["contact", "team"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A step whose time has come and whose conditions hold, with what it may look at. `offers` are the playbook's."""

    enrolment: Enrolment
    facts: Facts
    origin: Origin
    now: datetime
    offers: Mapping[str, OfferRule]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step came to: decisions, a path that was taken, or the reason why it is skipped after all.

    With `waits_until` it came to nothing yet: it is asked again at every look, and at that moment at the latest.
    """

    decisions: tuple[Decision, ...] = ()
    path: str = ""
    skipped: str = ""
    waits_until: datetime | None = None


class Step(Shape):
    """`after` counts from the enrolment, on the `clock` of the contact or of the team; `within`, from the enrolment
    too, is by when it must be done.

    `approval` is a role that must say yes, `sender` for the one in whose name it goes, or `none`; without it the
    playbook says. `late` says the same of a step that nobody looked at in time. `arm` and `path` leave it to the
    accounts of that arm and to those that a branch sent there.
    """

    kind: str
    id: Name
    title: StrictStr
    about: StrictStr = ""
    after: Offset
    within: Offset | None = None
    clock: Clock | None = None
    only_if: Only | None = None
    approval: Name | None = None
    late: Late | None = None
    arm: Name | None = None
    path: Name | None = None

    # Whether the contact hears of it: late steps that do obey the playbook.
    reaches_contact: ClassVar[bool] = False
    # Whether it may go on from `after` until `within`.
    waits: ClassVar[bool] = False
    # Whether it must know if celebrating is unwise.
    celebrates: ClassVar[bool] = False
    # The clock it runs on if it does not say which.
    usual_clock: ClassVar[Clock] = "team"

    def outcome(self, due: Due) -> Outcome:
        raise NotImplementedError

    def roles(self) -> Sequence[str]:
        """Roles that it names, the approving one left out."""
        return ()

    def sender_role(self) -> str:
        """The role in whose name it goes, "" for the company."""
        return ""

    def template_ids(self) -> Sequence[str]:
        return ()

    def expert_kinds(self) -> Sequence[str]:
        return ()

    def metric_ids(self) -> Sequence[str]:
        """Metrics of the package that it names outside of conditions."""
        return ()

    def playbook_ids(self) -> Sequence[str]:
        return ()

    def offers_made(self) -> Sequence[str]:
        return ()

    def offers_mentioned(self) -> Sequence[str]:
        return ()

    def paths(self) -> Sequence[str]:
        """Paths that it may send an enrolment to."""
        return ()

    def opens_path(self, path: str) -> Offset:
        """From when on it may have sent an enrolment to one of its paths."""
        return self.after

    def conditions(self) -> Sequence[tuple[tuple[str | int, ...], Only]]:
        """What it asks, each with its place in the step."""
        return [(("only_if",), self.only_if)] if self.only_if is not None else []

    def ends_enrolment(self) -> bool:
        return False

    def calendar(self, contact: Calendar, team: Calendar) -> Calendar:
        """The one of the two that it runs on."""
        return contact if (self.clock or self.usual_clock) == "contact" else team
