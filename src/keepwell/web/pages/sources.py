"""Sources: who sends, how much, and who fell silent?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from keepwell.base.clock import SystemClock
from keepwell.base.figure import passed
from keepwell.base.home import Home
from keepwell.jobs.silence import Sending, SourceState, source_states
from keepwell.store.models import Member, Source
from keepwell.store.read.source import (
    Difference,
    KeyRow,
    SourceRow,
    access_keys,
    access_source,
    access_sources,
    ledger_differences,
    manages_sources,
)
from keepwell.web.pages.frame import EmptyState, member_of

CHECKED: Final = timedelta(days=7)
DIFFERENCES_SHOWN: Final = 5
NO_ACCESS: Final = EmptyState(
    "no_access", "Sources are not yours to see", "Owners and admins look after sources and keys; ask one of them."
)
FIRST_USE: Final = EmptyState(
    "first_use",
    "No source yet",
    "A source is whatever sends events: your product, your billing, your help desk. Add one with "
    "'keepwell source add web-app'; then make a key for it here.",
)
# Word and shape of each state; the colour is that of the tier.
FACES: Final[Mapping[Sending, tuple[str, str]]] = {
    "sending": ("Sending", "stable"),
    "silent": ("Silent", "act"),
    "learning": ("Learning", "unknown"),
    "waiting": ("No event yet", "unknown"),
    "stopped": ("Stopped", "unknown"),
}


@dataclass(frozen=True, slots=True)
class StateFace:
    """How a state is shown; `note` says what it rests on."""

    word: str
    tier: str
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    row: SourceRow
    face: StateFace
    lag: timedelta | None


@dataclass(frozen=True, slots=True)
class Context:
    empty: EmptyState | None
    as_of: datetime
    lines: Sequence[Line] = ()
    silent: int = 0
    differences: Sequence[Difference] = ()
    more_differences: int = 0
    api_keys: Sequence[tuple[KeyRow, str]] = ()


@require_safe
def sources_page(request: HttpRequest) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    if not manages_sources(member):
        return no_access(request, now)
    return render(request, "sources.html", {"page": _filled(member, now), "here": "sources"})


def no_access(request: HttpRequest, now: datetime) -> HttpResponse:
    page = Context(NO_ACCESS, now)
    return render(request, "sources.html", {"page": page, "here": "sources"}, status=403)


def asked_source(request: HttpRequest, source_id: int) -> tuple[Member, Source]:
    """Who asks and the source; 404 where there is none, or it is not theirs to change."""
    member = member_of(request)
    source = access_source(member, source_id)
    if source is None:
        raise Http404
    return member, source


def state_face(row: SourceRow, state: SourceState) -> StateFace:
    word, tier = FACES[state.state]
    if state.state == "silent" and row.last_event_at and state.usual_until:
        note = f"usually no more than {passed(state.usual_until - row.last_event_at)} between two events"
    elif state.state == "learning":
        note = "its rhythm is known after about two weeks"
    else:
        note = ""
    return StateFace(word, tier, note)


def _filled(member: Member, now: datetime) -> Context:
    rows = access_sources(member, now=now)
    keys = [(row, row.state(now)) for row in access_keys(member) if not row.source_name]
    if not rows and not keys:
        return Context(FIRST_USE, now)
    states = source_states(Home(settings.KEEPWELL.home), rows, now=now)
    differences = ledger_differences(since=now - CHECKED)
    return Context(
        empty=None,
        as_of=now,
        lines=[
            Line(row, state_face(row, states[row.id]), now - row.last_event_at if row.last_event_at else None)
            for row in rows
        ],
        silent=sum(state.state == "silent" for state in states.values()),
        differences=differences[:DIFFERENCES_SHOWN],
        more_differences=len(differences[DIFFERENCES_SHOWN:]),
        api_keys=keys,
    )
