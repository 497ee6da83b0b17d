"""Outbox: do messages leave, which did, which did not, and why?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from keepwell.base.clock import SystemClock
from keepwell.jobs.sending import TEST_HOLDS, example_packages
from keepwell.store.models import Sending
from keepwell.store.read.sending import (
    SendingState,
    may_set_sending,
    may_stop_sending,
    read_sending,
    sending_state,
)
from keepwell.store.read.touch import TouchListed, access_touch_counts, access_touches
from keepwell.web.pages.frame import EmptyState, member_of
from keepwell.web.pages.inbox import Tab
from keepwell.web.pages.signal_face import WordFace
from keepwell.web.pages.touch_face import TouchLine, touch_lines

PAGE_SIZE: Final = 50
LISTS: Final[dict[TouchListed, str]] = {
    "all": "All",
    "asked": "For approval",
    "waiting": "Waiting",
    "sent": "Sent",
    "suppressed": "Not sent",
    "failed": "Failed",
    "unknown": "Unknown",
}
FACES: Final[dict[SendingState, WordFace]] = {
    "off": WordFace("Sending is off", "unknown"),
    "on": WordFace("Sending is on", "stable"),
    "stopped": WordFace("Sending is stopped", "act"),
}
MEANT: Final[dict[SendingState, str]] = {
    "off": "Messages are written, judged and kept here; none leaves.",
    "on": "Messages leave once their time has come, and whoever they speak for has said yes.",
    "stopped": "Nothing leaves. What is due waits until an owner or an admin lets messages leave again; what is too "
    "late by its own rule then does not.",
}


@dataclass(frozen=True, slots=True)
class SendingView:
    """Whether messages leave, and what the member may do about it. `address` and `error` are of a test that failed."""

    row: Sending
    state: SendingState
    face: WordFace
    meant: str
    may_stop: bool
    may_set: bool
    mail_host: str
    mail_sender: str
    is_tested: bool
    examples: Sequence[str]
    address: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    as_of: datetime
    sending: SendingView
    tabs: Sequence[Tab]
    lines: Sequence[TouchLine]
    before_href: str
    after_href: str
    empty: EmptyState | None


@require_safe
def outbox_page(request: HttpRequest) -> HttpResponse:
    return outbox_answer(request)


def outbox_answer(request: HttpRequest, *, address: str = "", error: str = "") -> HttpResponse:
    """The page; with an error, also what was typed for a test mail."""
    member, now = member_of(request), SystemClock().now()
    asked, text = request.GET.get("state", "all"), request.GET.get("page", "1")
    listed = asked if asked in LISTS else "all"
    number = int(text) if text.isascii() and text.isdigit() and 1 <= int(text) < 10**6 else 1
    counts, first = access_touch_counts(member), (number - 1) * PAGE_SIZE
    rows = list(access_touches(member, listed)[first : first + PAGE_SIZE + 1])
    page = Context(
        as_of=now,
        sending=_sending(request, now, address, error),
        tabs=[Tab(title, counts[name], _href(name, 1), name == listed) for name, title in LISTS.items()],
        lines=touch_lines(rows[:PAGE_SIZE]),
        before_href=_href(listed, number - 1) if number > 1 else "",
        after_href=_href(listed, number + 1) if len(rows) > PAGE_SIZE else "",
        empty=None if rows else _nothing(listed, number, counts["all"]),
    )
    return render(request, "outbox.html", {"page": page, "here": "outbox"}, status=422 if error else 200)


def _sending(request: HttpRequest, now: datetime, address: str, error: str) -> SendingView:
    member, row = member_of(request), read_sending()
    state, may_set = sending_state(row), may_set_sending(member)
    return SendingView(
        row=row,
        state=state,
        face=FACES[state],
        meant=MEANT[state],
        may_stop=may_stop_sending(member),
        may_set=may_set,
        mail_host=settings.KEEPWELL.mail_host,
        mail_sender=settings.KEEPWELL.mail_sender,
        is_tested=row.tested_at is not None and now - row.tested_at <= TEST_HOLDS,
        examples=example_packages() if may_set else (),
        address=address or member.email,
        error=error,
    )


def _href(listed: TouchListed, number: int) -> str:
    state = {"state": "" if listed == "all" else listed, "page": number if number > 1 else ""}
    return f"?{urlencode({name: value for name, value in state.items() if value})}"


def _nothing(listed: TouchListed, number: int, total: int) -> EmptyState:
    if number > 1:
        return EmptyState("no_results", "This page is past the end", "The list is shorter.", "First page", "?")
    if not total:
        return EmptyState(
            "first_use",
            "No message yet",
            "A playbook writes messages after a signal. Until sending is turned on, they come here and nowhere else.",
        )
    if listed in {"asked", "waiting", "failed", "unknown"}:
        return EmptyState("all_clear", f"Nothing under “{LISTS[listed]}”", "No message is in this state.")
    return EmptyState("no_results", f"Nothing under “{LISTS[listed]}”", "No message is here.", "Show all", "?")
