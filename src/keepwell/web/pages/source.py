"""One source: its ledger by hour and outcome, its keys, and what was rejected and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.jobs.inbox import read_batch
from keepwell.jobs.reject import do_replay_rejected
from keepwell.jobs.seal import UNASSIGNED
from keepwell.jobs.silence import source_states
from keepwell.store.models import Member, RejectedEvent
from keepwell.store.read.source import (
    OUTCOMES,
    HourCount,
    KeyRow,
    RejectedGroup,
    SourceRow,
    access_keys,
    access_ledger,
    access_rejected,
    access_rejected_ids,
    access_sources,
    manages_sources,
)
from keepwell.web.charts import Options, ledger_chart, ledger_text
from keepwell.web.pages.frame import Choice, member_of
from keepwell.web.pages.sources import StateFace, asked_source, no_access, state_face

SPANS: Final[Mapping[str, tuple[str, timedelta]]] = {
    "24": ("24 hours", timedelta(hours=24)),
    "168": ("7 days", timedelta(days=7)),
    "720": ("30 days", timedelta(days=30)),
}
HOUR: Final = timedelta(hours=1)
# A bar an hour up to a week, and a bar a day beyond.
MOST_HOURS: Final = 168
BODY_CHARACTERS: Final = 2_000
MOST_REPLAYED: Final = 5_000
# A replay reads as a server key would send; what a browser claimed without the right to must not pass by it.
UNTRUSTED: Final = "needs_server_key"
KEY_KINDS: Final = {
    "srv": "srv: for servers, takes every event",
    "ing": "ing: for browsers and apps, may be seen by anybody, takes no payments or contracts",
}


@dataclass(frozen=True, slots=True)
class RejectedLine:
    event: RejectedEvent
    body: str


@dataclass(frozen=True, slots=True)
class RejectedView:
    group: RejectedGroup
    lines: Sequence[RejectedLine]

    @property
    def may_be_replayed(self) -> bool:
        return self.group.code != UNTRUSTED


@dataclass(frozen=True, slots=True)
class Context:
    row: SourceRow
    face: StateFace
    as_of: datetime
    lag: timedelta | None
    span: str
    spans: Sequence[Choice]
    hours: Sequence[HourCount]
    total: HourCount
    wrong_hours: int
    ledger_text: str
    ledger: Options | None
    keys: Sequence[tuple[KeyRow, str]]
    takes_keys: bool
    kinds: Sequence[tuple[str, str]]
    rejected: Sequence[RejectedView]
    rejected_count: int


@require_safe
def source_page(request: HttpRequest, source_id: int) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    if not manages_sources(member):
        return no_access(request, now)
    row = next((row for row in access_sources(member, now=now) if row.id == source_id), None)
    if row is None:
        raise Http404
    asked = request.GET.get("hours", "24")
    page = _filled(member, row, asked if asked in SPANS else "24", now)
    return render(request, "source.html", {"page": page, "here": "sources"})


@require_POST
def replay(request: HttpRequest, source_id: int) -> HttpResponse:
    """Takes the rejected events of one reason again, at most `MOST_REPLAYED` at once."""
    member, source = asked_source(request, source_id)
    code = request.POST.get("code", "")
    if code == UNTRUSTED:
        messages.error(request, "These were sent with a key that may not send them. Send them with a server key.")
        return redirect("source", source_id)
    found = access_rejected_ids(member, source.pk, code, MOST_REPLAYED + 1)
    if not found:
        messages.error(request, "There is no rejected event of this reason any more.")
        return redirect("source", source_id)
    home, now = Home(settings.KEEPWELL.home), SystemClock().now()
    done = do_replay_rejected(home, found[:MOST_REPLAYED], by=member.email, now=now)
    more = " There are more; replay again." if len(found) > MOST_REPLAYED else ""
    messages.success(request, f"{done.taken:,} taken after all, {done.refused:,} refused still.{more}")
    return redirect("source", source_id)


def _filled(member: Member, row: SourceRow, span: str, now: datetime) -> Context:
    state = source_states(Home(settings.KEEPWELL.home), [row], now=now)[row.id]
    begun = now.replace(minute=0, second=0, microsecond=0) + HOUR - SPANS[span][1]
    hours = access_ledger(member, row.id, begun, now)
    bars, unit = _bars(hours, begun, now, int(span))
    total = HourCount(begun, sum(hour.received for hour in hours), _sum(hours))
    rejected = access_rejected(member, row.id)
    return Context(
        row=row,
        face=state_face(row, state),
        as_of=now,
        lag=now - row.last_event_at if row.last_event_at else None,
        span=span,
        spans=[Choice(hours, title, hours == span) for hours, (title, _) in SPANS.items()],
        hours=hours,
        total=total,
        wrong_hours=sum(hour.difference != 0 for hour in hours),
        ledger_text=ledger_text(total, len(hours), SPANS[span][0]),
        ledger=ledger_chart(bars, unit, ledger_text(total, len(hours), SPANS[span][0])) if hours else None,
        keys=[(key, key.state(now)) for key in access_keys(member, row.id)],
        takes_keys=row.connector == "http" and row.is_active,
        kinds=list(KEY_KINDS.items()),
        rejected=[
            RejectedView(group, [RejectedLine(event, readable(_body(event))) for event in group.newest])
            for group in rejected
        ],
        rejected_count=sum(group.count for group in rejected),
    )


def _bars(hours: Sequence[HourCount], begun: datetime, now: datetime, span: int) -> tuple[list[HourCount], timedelta]:
    """A bar for each hour, or each day, of the whole stretch: what is empty must be seen to be."""
    unit = HOUR if span <= MOST_HOURS else timedelta(days=1)
    first = begun if unit == HOUR else begun.replace(hour=0)
    sums: dict[datetime, list[HourCount]] = {first + place * unit: [] for place in range((now - first) // unit + 1)}
    for hour in hours:
        sums[first + (hour.hour - first) // unit * unit].append(hour)
    return [HourCount(at, sum(hour.received for hour in found), _sum(found)) for at, found in sums.items()], unit


def _sum(hours: Sequence[HourCount]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for hour in hours:
        found.update(hour.outcomes)
    return {outcome: found[outcome] for outcome in OUTCOMES}


def _body(event: RejectedEvent) -> bytes:
    """What was sent; an event that only lacks its account is kept as it was understood."""
    body = bytes(event.body)
    return msgspec.json.encode(read_batch(body)) if event.dialect == UNASSIGNED else body


def readable(body: bytes) -> str:
    """The beginning of a body as text; bytes that are none are shown as such."""
    text = body[: 4 * BODY_CHARACTERS].decode(errors="backslashreplace")
    shown = "".join(letter if letter.isprintable() or letter in "\n\t" else f"\\x{ord(letter):02x}" for letter in text)
    return shown if len(shown) <= BODY_CHARACTERS else f"{shown[:BODY_CHARACTERS]} …"
