"""Approvals: which messages wait for somebody's yes, and what exactly would leave?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from keepwell.base.clock import SystemClock
from keepwell.base.figure import passed
from keepwell.facts.meeting import Meeting
from keepwell.jobs.approval import LONGEST_TEXT, do_approve_touch, do_refuse_touch
from keepwell.jobs.touch_meeting import meeting_of
from keepwell.jobs.touch_shape import address_of
from keepwell.playbooks.template import LONGEST_SUBJECT
from keepwell.store.models import Member, Touch
from keepwell.store.read.sending import SendingState, read_sending, sending_state
from keepwell.store.read.touch import access_touch, access_touches, approvers, may_approve
from keepwell.web.pages.alert_act import done_on_list
from keepwell.web.pages.frame import Choice, EmptyState, member_of

MOST: Final = 100
WHOSE: Final = {"": "All", "mine": "For you"}


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed about a message and could not be taken, and why."""

    touch: int
    subject: str
    text: str
    error: str


@dataclass(frozen=True, slots=True)
class AskedLine:
    """`subject` and `text` are those of the message, or what was typed in their place; `due` is by when, in words."""

    touch: Touch
    to: str
    asked: str
    may_approve: bool
    due: str
    is_late: bool
    subject: str
    text: str
    error: str
    meeting: Meeting | None


@dataclass(frozen=True, slots=True)
class Context:
    as_of: datetime
    sending: SendingState
    tabs: Sequence[Choice]
    lines: Sequence[AskedLine]
    more: int
    whose: str
    empty: EmptyState | None
    longest_subject: int = LONGEST_SUBJECT
    longest_text: int = LONGEST_TEXT


@require_safe
def approvals_page(request: HttpRequest) -> HttpResponse:
    return _page(request, "mine" if request.GET.get("whose") == "mine" else "")


@require_POST
def approve_touch(request: HttpRequest, touch_id: int) -> HttpResponse:
    """Leaves with the words that the form shows."""
    member, touch, now = _asked(request, touch_id)
    subject, text = request.POST.get("subject", touch.subject), request.POST.get("text", touch.text)
    return _settled(
        request,
        touch,
        lambda: do_approve_touch(touch, member, subject=subject, text=text, by=member.email, now=now),
        f"“{subject}” to {touch.account} may leave. It still passes consent, caps and quiet hours.",
    )


@require_POST
def refuse_touch(request: HttpRequest, touch_id: int) -> HttpResponse:
    member, touch, now = _asked(request, touch_id)
    reason = request.POST.get("reason", "")
    return _settled(
        request,
        touch,
        lambda: do_refuse_touch(touch, member, reason=reason, by=member.email, now=now),
        f"“{touch.subject}” to {touch.account} is not sent. The playbook goes on without it.",
    )


def _settled(request: HttpRequest, touch: Touch, act: Callable[[], None], told: str) -> HttpResponse:
    """What could not be taken is shown again as it was typed, while the message still waits."""

    def again(whose: str, error: str) -> HttpResponse | None:
        if not Touch.objects.filter(pk=touch.pk, state="asked").exists():
            return None
        subject, text = request.POST.get("subject", touch.subject), request.POST.get("text", touch.text)
        return _page(request, whose, Typed(touch.pk, subject, text, error))

    return done_on_list(request, "approvals", act, told, again)


def _asked(request: HttpRequest, touch_id: int) -> tuple[Member, Touch, datetime]:
    member = member_of(request)
    touch = access_touch(member, touch_id)
    if touch is None:
        raise Http404
    if not may_approve(member, touch):
        raise PermissionDenied
    return member, touch, SystemClock().now()


def _page(request: HttpRequest, whose: str, typed: Typed | None = None) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    rows = list(access_touches(member, "asked").defer("html"))
    asked = approvers(rows)
    mine = [row for row in rows if any(one.pk == member.pk for one in asked[row.pk])]
    chosen = mine if whose else rows
    counts = {"": len(rows), "mine": len(mine)}
    page = Context(
        as_of=now,
        sending=sending_state(read_sending()),
        tabs=[Choice(name, f"{title} {counts[name]:,}", name == whose) for name, title in WHOSE.items()],
        lines=[_line(row, asked[row.pk], member, typed, now) for row in chosen[:MOST]],
        more=len(chosen[MOST:]),
        whose=whose,
        empty=None if chosen else _nothing(whose, len(rows)),
    )
    return render(request, "approvals.html", {"page": page, "here": "approvals"}, status=422 if typed else 200)


def _line(touch: Touch, asked: Sequence[Member], member: Member, typed: Typed | None, now: datetime) -> AskedLine:
    own = typed if typed is not None and typed.touch == touch.pk else None
    left = touch.late_at - now
    return AskedLine(
        touch=touch,
        to=address_of(touch),
        asked=", ".join(one.name or one.email for one in asked) or "nobody who can sign in",
        may_approve=any(one.pk == member.pk for one in asked),
        due=f"in {passed(left)}" if touch.late_at > now else f"{passed(-left)} ago",
        is_late=touch.late_at <= now,
        subject=own.subject if own else touch.subject,
        text=own.text if own else touch.text,
        error=own.error if own else "",
        meeting=meeting_of(touch),
    )


def _nothing(whose: str, others: int) -> EmptyState:
    if whose and others:
        return EmptyState("all_clear", "Nothing waits for you", "What waits, waits for others.", "Show all", "?")
    return EmptyState(
        "all_clear", "No message waits for a yes", "Messages in somebody's name come here before they leave."
    )
