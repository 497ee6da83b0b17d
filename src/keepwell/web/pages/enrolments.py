"""Playbooks at work: which accounts go through which playbook, and how did it end?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from keepwell.base.clock import SystemClock
from keepwell.jobs.enrolment_state import read_calendar
from keepwell.jobs.playbook_words import clock_told, end_told
from keepwell.store.models import EnrolmentRecord
from keepwell.store.read.enrolment import (
    EnrolmentListed,
    access_enrolment_counts,
    access_enrolments,
    access_playbook_titles,
)
from keepwell.web.pages.frame import Choice, EmptyState, member_of
from keepwell.web.pages.inbox import Tab

PAGE_SIZE: Final = 50
LISTS: Final[dict[EnrolmentListed, str]] = {"open": "Open", "over": "Over", "all": "All"}


@dataclass(frozen=True, slots=True)
class EnrolmentLine:
    """`next_step` is when the next step is due, `ended` why it is over; "" where it is not so."""

    record: EnrolmentRecord
    next_step: str
    is_waiting: bool
    ended: str


@dataclass(frozen=True, slots=True)
class Context:
    as_of: datetime
    tabs: Sequence[Tab]
    playbooks: Sequence[Choice]
    listed: str
    lines: Sequence[EnrolmentLine]
    before_href: str
    after_href: str
    empty: EmptyState | None


@require_safe
def enrolments_page(request: HttpRequest) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    asked, text = request.GET.get("state", "open"), request.GET.get("page", "1")
    listed = asked if asked in LISTS else "open"
    titles = access_playbook_titles(member)
    playbook = request.GET.get("playbook", "")
    playbook = playbook if playbook in titles else ""
    number = int(text) if text.isascii() and text.isdigit() and 1 <= int(text) < 10**6 else 1
    first = (number - 1) * PAGE_SIZE
    rows = list(access_enrolments(member, listed, playbook=playbook)[first : first + PAGE_SIZE + 1])
    counts = access_enrolment_counts(member, playbook=playbook)
    page = Context(
        as_of=now,
        tabs=[Tab(title, counts[name], _href(name, playbook, 1), name == listed) for name, title in LISTS.items()],
        playbooks=[Choice(name, title, name == playbook) for name, title in {"": "Any", **titles}.items()],
        listed=listed,
        lines=enrolment_lines(rows[:PAGE_SIZE], now),
        before_href=_href(listed, playbook, number - 1) if number > 1 else "",
        after_href=_href(listed, playbook, number + 1) if len(rows) > PAGE_SIZE else "",
        empty=None if rows else _nothing(listed, number, is_any=bool(titles)),
    )
    return render(request, "enrolments.html", {"page": page, "here": "enrolments"})


def enrolment_lines(records: Sequence[EnrolmentRecord], now: datetime) -> list[EnrolmentLine]:
    return [
        EnrolmentLine(
            record,
            clock_told(record.due_at, read_calendar(record.contact_calendar)) if record.due_at else "",
            record.due_at is not None and record.due_at <= now,
            end_told(record.finished_because),
        )
        for record in records
    ]


def _href(listed: EnrolmentListed, playbook: str, number: int) -> str:
    state = {
        "state": "" if listed == "open" else listed,
        "playbook": playbook,
        "page": number if number > 1 else "",
    }
    return f"?{urlencode({name: value for name, value in state.items() if value})}"


def _nothing(listed: EnrolmentListed, number: int, *, is_any: bool) -> EmptyState:
    if number > 1:
        return EmptyState("no_results", "This page is past the end", "The list is shorter.", "First page", "?")
    if not is_any:
        return EmptyState(
            "first_use",
            "No playbook has started yet",
            "One starts when a live signal opens that it is for. Imports and the first look at an account start none.",
        )
    if listed == "open":
        return EmptyState(
            "all_clear", "No playbook is open", "What started has come to its end.", "Show all", "?state=all"
        )
    return EmptyState(
        "no_results", f"Nothing under “{LISTS[listed]}”", "No account is there.", "Show what is open", "?"
    )
