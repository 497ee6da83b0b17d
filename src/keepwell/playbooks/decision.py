"""What a step may decide. Nothing here is sent: whoever receives a decision asks about consent, caps and quiet hours
first, has it approved where `approve_by` names a role, and asks again whether the enrolment has ended since."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from keepwell.facts.meeting import Meeting

# What becomes of a step that nobody looked at in time, and of a message that could not leave in time.
Late = Literal["send", "skip", "ask"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a decision comes from: the step, when it was due, and by when it must be done (None: at once).

    `is_late` says that the look came after `late_at`. `approve_by` is the role that must say yes first, "" for nobody.
    `late` says what becomes of it where it has not left by `late_at`.
    """

    step: str
    due_at: datetime
    done_by: datetime | None = None
    is_late: bool = False
    approve_by: str = ""
    late_at: datetime | None = None
    late: Late = "ask"


@dataclass(frozen=True, slots=True)
class Send:
    """A message to the contact, in the name of a role ("" for the company); it may mention these offers.

    `meeting` is what it invites to; its place may be the name of a link.
    """

    origin: Origin
    template: str
    sender: str = ""
    offers: tuple[str, ...] = ()
    meeting: Meeting | None = None


@dataclass(frozen=True, slots=True)
class ShowInApp:
    """A message that the product shows to the contact."""

    origin: Origin
    template: str
    sender: str = ""
    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateTask:
    """Work for whoever holds the role; `document` is the template of what it is to bring, "" for nothing written."""

    origin: Origin
    role: str
    title: str
    about: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class Consult:
    """An expert writes a diagnosis, from these metrics among others; whoever holds the role gets it as work."""

    origin: Origin
    role: str
    title: str
    about: str
    expert: str
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteDocument:
    """A document about the account is written from the template, and whoever holds the role gets a task with it.

    `cover` is the template of a message to go with it, "" for none.
    """

    origin: Origin
    role: str
    title: str
    about: str
    template: str
    cover: str = ""
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Assign:
    """A member of the role becomes the account's own; `must_reach_out` says that they write or call at once."""

    origin: Origin
    role: str
    must_reach_out: bool = False


@dataclass(frozen=True, slots=True)
class Notify:
    """These roles are told the sentence."""

    origin: Origin
    roles: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class PostEvent:
    """An event of this name goes to the webhooks of these roles, with the account as it is and `data` of the step."""

    origin: Origin
    roles: tuple[str, ...]
    event: str
    title: str
    score: float | None
    band: str
    data: Mapping[str, str | bool | int | float]


@dataclass(frozen=True, slots=True)
class Offer:
    """These offers stand from now on, each before the instant given for it."""

    origin: Origin
    expires_at: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Enrol:
    """The account is to go through another playbook."""

    origin: Origin
    playbook: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The enrolment is over. `because` is a built-in reason or an exit; `step` is "" unless a step said so."""

    because: str
    at: datetime
    step: str = ""


Decision = (
    Send | ShowInApp | CreateTask | Consult | WriteDocument | Assign | Notify | PostEvent | Offer | Enrol | Finish
)
