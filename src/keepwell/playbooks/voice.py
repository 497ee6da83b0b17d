"""One voice per contact: of the messages that are due in all playbooks, which leave now and what becomes of the rest.

Whoever sends asks here, with what is true at this moment, and sends what may leave at once or asks again.
"""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import Field, StrictStr, field_validator

from keepwell.base.business_time import Calendar
from keepwell.base.errors import PackageError, Problem
from keepwell.base.periods import Period
from keepwell.base.shape import read_shape
from keepwell.base.yaml_source import read_yaml
from keepwell.health.package import PackageText
from keepwell.playbooks.decision import Late
from keepwell.playbooks.quiet_hours import read_quiet_hours
from keepwell.playbooks.template import Purpose
from keepwell.signals.rule import Shape

FILE: Final = "voice.yaml"
# The one channel that interrupts nobody: it needs no address, knows no quiet hours and is not counted.
IN_APP: Final = "in_app"
RANKS: Final[Mapping[Purpose, int]] = {"service": 0, "retention": 1, "expansion": 2}

ENROLMENT_OVER: Final = "enrolment_over"
OPTED_OUT: Final = "opted_out"
NO_ADDRESS: Final = "no_address"
TOO_LATE: Final = "too_late"
ACCOUNT_AT_RISK: Final = "account_at_risk"
QUIET_HOURS: Final = "quiet_hours"
CAP: Final = "cap"
COOL_DOWN: Final = "cool_down"

Act = Literal["leave", "hold", "suppress", "ask"]


class Voice(Shape):
    """`voice.yaml`. A contact gets at most `most_messages` automatic messages in any stretch as long as `within`.

    Between automatic messages of different enrolments `cool_down` passes. Periods of 0d ask for nothing. In
    `quiet_hours`, by the contact's clock, no message leaves.
    """

    most_messages: Annotated[int, Field(ge=1, le=100, strict=True)] = 2
    within: Period = timedelta(days=7)
    cool_down: Period = timedelta(hours=24)
    quiet_hours: StrictStr = "20:00-08:00"

    @field_validator("quiet_hours")
    @classmethod
    def _are_hours(cls, text: str) -> str:
        try:
            read_quiet_hours(text)
        except ValueError as error:
            raise ValueError(f"'quiet_hours' must be {error}, not {text!r}") from None
        return text

    def quiet_until(self, at: datetime, calendar: Calendar) -> datetime:
        """The first instant from `at` on that is not in quiet hours."""
        hours = read_quiet_hours(self.quiet_hours)
        return hours.over_at(at, calendar.place) if hours is not None else at


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A message that waits. It is too late after `late_at`, and `late` says what then becomes of it.

    `is_approved` says that somebody said yes to this very message; all others are automatic. `calendar` has the zone of
    the contact.
    """

    touch: int
    enrolment: int
    contact: int | None
    channel: str
    purpose: Purpose
    priority: int
    due_at: datetime
    late_at: datetime
    late: Late
    is_approved: bool
    calendar: Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is true of a candidate now: of its contact (`is_opted_out`, `has_address`), of its enrolment (`is_over`),
    and of its account, which is falling while it has an open alert of severity critical or high."""

    is_opted_out: bool
    has_address: bool
    is_over: bool
    is_falling: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message that went to a contact, or may have; those shown in the product are none."""

    at: datetime
    enrolment: int
    is_automatic: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """`until` is when one that is held may be asked about again; None for all others, whose `because` may be ""."""

    act: Act
    because: str = ""
    until: datetime | None = None


def judge(
    candidates: Sequence[Candidate],
    standings: Mapping[int, Standing],
    said: Mapping[int, Sequence[Said]],
    voice: Mapping[int, Voice],
    now: datetime,
) -> dict[int, Verdict]:
    """A verdict for every candidate, by touch; `standings` and `voice` have one for each, `said` is by contact.

    What comes first leaves first: service before retention before expansion, then the higher priority, then what was
    due earlier. What leaves here counts as said for whatever comes behind it.
    """
    heard = {contact: list(messages) for contact, messages in said.items()}
    verdicts: dict[int, Verdict] = {}
    for one in sorted(candidates, key=_place):
        before = heard.setdefault(one.contact, []) if one.contact is not None else []
        found = _verdict(one, standings[one.touch], before, voice[one.touch], now)
        if found.act == "leave" and one.channel != IN_APP:
            before.append(Said(at=now, enrolment=one.enrolment, is_automatic=not one.is_approved))
        verdicts[one.touch] = found
    return verdicts


def _place(one: Candidate) -> tuple[int, int, datetime, int]:
    return RANKS[one.purpose], -one.priority, one.due_at, one.touch


def _verdict(one: Candidate, standing: Standing, before: Sequence[Said], voice: Voice, now: datetime) -> Verdict:
    because = _refusal(one, standing)
    if because:
        return Verdict("suppress", because)
    late = _too_late(one, TOO_LATE) if now > one.late_at else None
    if late is not None:
        return late
    if one.purpose == "expansion" and standing.is_falling:
        return Verdict("suppress", ACCOUNT_AT_RISK)
    return _timed(one, before, voice, now) if one.channel != IN_APP else Verdict("leave")


def _refusal(one: Candidate, standing: Standing) -> str:
    """Why it never leaves, whatever the time is."""
    if standing.is_over:
        return ENROLMENT_OVER
    if standing.is_opted_out:
        return OPTED_OUT
    if one.channel != IN_APP and (one.contact is None or not standing.has_address):
        return NO_ADDRESS
    return ""


def _too_late(one: Candidate, because: str) -> Verdict | None:
    """What becomes of one that is too late; None where it goes on all the same."""
    if one.late == "skip":
        return Verdict("suppress", because)
    if one.late == "ask" and not one.is_approved:
        return Verdict("ask", because)
    return None


def _timed(one: Candidate, before: Sequence[Said], voice: Voice, now: datetime) -> Verdict:
    """Leave, or hold until the first moment at which no rule is against it, as far as is known now."""
    free_at, because = (now, "") if one.is_approved else _free_at(one, before, voice, now)
    until = voice.quiet_until(free_at, one.calendar)
    if until == now:
        return Verdict("leave")
    if until == voice.quiet_until(now, one.calendar):
        return Verdict("hold", QUIET_HOURS, until)
    late = _too_late(one, because) if until > one.late_at else None
    return late or Verdict("hold", because, until)


def _free_at(one: Candidate, before: Sequence[Said], voice: Voice, now: datetime) -> tuple[datetime, str]:
    """When neither cap nor cool-down is against an automatic message, and which of the two is over last."""
    automatic: list[datetime] = []
    for message in before:
        if message.is_automatic:
            insort(automatic, message.at)
    found = now, ""
    if len(automatic) >= voice.most_messages:
        found = max(found, (automatic[-voice.most_messages] + voice.within, CAP))
    others = [message.at for message in before if message.is_automatic and message.enrolment != one.enrolment]
    if others:
        found = max(found, (max(others) + voice.cool_down, COOL_DOWN))
    return found


@dataclass(frozen=True, slots=True)
class VoiceReading:
    """The voice of a package, the usual one where its file is missing or cannot be read, and what is wrong with it."""

    voice: Voice
    problems: tuple[Problem, ...] = ()


def load_voice(text: PackageText) -> Voice:
    """The voice of a package, or a PackageError with everything in its file that cannot be read."""
    reading = read_voice(text)
    if reading.problems:
        raise PackageError(reading.problems)
    return reading.voice


def read_voice(text: PackageText) -> VoiceReading:
    """Like `load_voice`, but gives the usual voice beside the problems. Nothing is inherited."""
    if FILE not in text.files:
        return VoiceReading(Voice())
    source = read_yaml(f"{text.folder}/{FILE}" if text.folder else FILE, text.files[FILE])
    if source.data is None and source.problems:
        return VoiceReading(Voice(), source.problems)
    found, problems, _ = read_shape(Voice, source)
    return VoiceReading(found or Voice(), tuple(sorted({*source.problems, *problems})))
