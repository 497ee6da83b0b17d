"""One enrolment: what it started on, what became of each step and why, and what is to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from keepwell.base.clock import SystemClock
from keepwell.jobs.enrolment_state import read_calendar
from keepwell.jobs.playbook_words import clock_told, end_told
from keepwell.jobs.read_timeline import OfferLine, StepLine, read_timeline
from keepwell.playbooks.enrolment import HOLDOUT
from keepwell.store.models import Alert, EnrolmentRecord, Member
from keepwell.store.read.enrolment import access_cause, access_enrolment
from keepwell.store.read.scope import may_act_at
from keepwell.web.pages.frame import member_of
from keepwell.web.pages.signal_face import WordFace
from keepwell.web.pages.touch_face import STEP_FACES


@dataclass(frozen=True, slots=True)
class Cause:
    """The signal that it started on; `href` is "" where there is no page of it."""

    noun: str
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """`href` leads to the message or the task that the step made."""

    line: StepLine
    face: WordFace
    href: str
    link: str


@dataclass(frozen=True, slots=True)
class OfferRow:
    line: OfferLine
    expires: str


@dataclass(frozen=True, slots=True)
class Context:
    record: EnrolmentRecord
    as_of: datetime
    cause: Cause
    is_left_alone: bool
    ended: str
    zones: str
    rows: Sequence[TimelineRow]
    offers: Sequence[OfferRow]
    may_end: bool


@require_safe
def enrolment_page(request: HttpRequest, enrolment_id: int) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    record = access_enrolment(member, enrolment_id)
    if record is None:
        raise Http404
    timeline = read_timeline(record, now=now)
    calendar, team = read_calendar(record.contact_calendar), read_calendar(record.team_calendar)
    same = calendar.zone == team.zone
    page = Context(
        record=record,
        as_of=now,
        cause=_cause(member, record),
        is_left_alone=record.arm == HOLDOUT,
        ended=end_told(record.finished_because),
        zones=f"{calendar.zone}, as the team's" if same else f"{calendar.zone}; the team's is {team.zone}",
        rows=[TimelineRow(line, STEP_FACES[line.state], *_link(line))
              for line in timeline.steps],
        offers=[OfferRow(line, clock_told(line.offer.expires_at, calendar)) for line in timeline.offers],
        may_end=record.finished_at is None and may_act_at(member, record.account),
    )  # fmt: skip
    return render(request, "enrolment.html", {"page": page, "here": "enrolments"})


def _cause(member: Member, record: EnrolmentRecord) -> Cause:
    found = access_cause(member, record)
    if found is None:
        return Cause(record.signal_noun, record.signal or record.started_by, "")
    if isinstance(found, Alert):
        return Cause("alert", found.title, reverse("alert", args=[found.pk]))
    return Cause(record.signal_noun, found.title, reverse("account", args=[record.account_id]))


def _link(line: StepLine) -> tuple[str, str]:
    if line.touch is not None:
        return reverse("message", args=[line.touch.pk]), "the message"
    if line.task is not None:
        return f"{reverse('tasks')}#task-{line.task.pk}", "the task"
    return "", ""
