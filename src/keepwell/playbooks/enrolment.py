"""One account going through one version of a playbook, as plain values; nothing here changes in place."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal

from keepwell.base.business_time import Calendar

# A step that is not in `Enrolment.settled` is still to come.
Status = Literal["done", "skipped", "suppressed"]

# The arm of accounts that nothing is done for, so that the others can be compared with them.
HOLDOUT: Final = "holdout"


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a step, and why where it was not done. `done` says that its decision was made, not that a
    message arrived."""

    status: Status
    at: datetime
    because: str = ""


@dataclass(frozen=True, slots=True)
class OfferMade:
    """An offer stands before `expires_at`; `step` made it."""

    step: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """`version` is that of the package whose playbook holds to the end. `signal` is what it started on.

    `contact_calendar` has the zone of the contact as it was at the start, `team_calendar` that of the team.
    `nano_points_at_start` and `band_at_start` are None and "" where no score was known. `settled` is by step id,
    `offers` by offer id, `paths` are those that branches took.
    """

    playbook: str
    version: int
    account: str
    started_at: datetime
    contact: str = ""
    signal: str = ""
    arm: str = ""
    contact_calendar: Calendar = field(default_factory=Calendar)
    team_calendar: Calendar = field(default_factory=Calendar)
    nano_points_at_start: int | None = None
    band_at_start: str = ""
    replied_at: datetime | None = None
    settled: Mapping[str, Settled] = field(default_factory=lambda: MappingProxyType({}))
    paths: frozenset[str] = frozenset()
    offers: Mapping[str, OfferMade] = field(default_factory=lambda: MappingProxyType({}))
    finished_at: datetime | None = None
    finished_because: str = ""

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None


def with_settled(enrolment: Enrolment, step: str, found: Settled) -> Enrolment:
    return replace(enrolment, settled=MappingProxyType({**enrolment.settled, step: found}))


def with_suppressed(enrolment: Enrolment, step: str, because: str, at: datetime) -> Enrolment:
    """The enrolment after somebody above held back what a step decided; its offers were then never made."""
    offers = {name: made for name, made in enrolment.offers.items() if made.step != step}
    held_back = with_settled(enrolment, step, Settled("suppressed", at, because))
    return replace(held_back, offers=MappingProxyType(offers))


def with_end(enrolment: Enrolment, because: str, at: datetime) -> Enrolment:
    """The finished enrolment; one that is finished already stays as it is."""
    if enrolment.is_finished:
        return enrolment
    return replace(enrolment, finished_at=at, finished_because=because)
