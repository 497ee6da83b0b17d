"""Alert: the numbers and events behind it, its clocks, what was done, and what can be done."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from keepwell.base.clock import SystemClock
from keepwell.jobs.alert_shape import NumberShape, number_shapes
from keepwell.jobs.today_shape import tally_told
from keepwell.store.models import Alert, AuditEntry, Member
from keepwell.store.read.alert import access_alert, access_alert_history, access_assignees
from keepwell.store.read.evidence import access_faces, events_of, lines_of
from keepwell.store.read.response import ABOUT, clocks_of
from keepwell.store.read.rule import ALERT_WINDOW, Tally, access_alert_tallies
from keepwell.web.pages.frame import Choice, member_of
from keepwell.web.pages.signal_face import REASONS, AlertLine, alert_lines

DONE: Final = {
    "alert_acknowledged": "acknowledged it",
    "alert_assigned": "gave it to {to}",
    "alert_snoozed": "put it aside until {until}",
    "alert_closed": "closed it: {reason}",
}


@dataclass(frozen=True, slots=True)
class EventLine:
    name: str
    at: datetime
    source: str
    properties: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class HistoryLine:
    at: datetime
    by: str
    what: str


@dataclass(frozen=True, slots=True)
class Context:
    line: AlertLine
    about: str
    numbers: Sequence[NumberShape]
    events: Sequence[EventLine]
    clocks: Sequence[tuple[str, timedelta | None]]
    history: Sequence[HistoryLine]
    precision: str
    members: Sequence[Choice]


@require_safe
def alert_page(request: HttpRequest, alert_id: int) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    alert = access_alert(member, alert_id)
    if alert is None:
        raise Http404
    return render(request, "alert.html", {"page": _filled(member, alert, now), "here": "inbox"})


def _filled(member: Member, alert: Alert, now: datetime) -> Context:
    face = access_faces(member, [alert.version_id]).get(alert.version_id)
    rule = face.signals.alerts.get(alert.rule) if face is not None and face.signals is not None else None
    tally = access_alert_tallies(member, now=now).get((alert.package, alert.rule), Tally(ALERT_WINDOW))
    clocks = clocks_of(alert)
    return Context(
        line=alert_lines(member, [alert], now=now)[0],
        about=" ".join(rule.about.split()) if rule is not None else "",
        numbers=number_shapes(lines_of(alert), face),
        events=[EventLine(one.name, one.at, one.source, _properties(one.properties)) for one in events_of(alert)],
        clocks=[(ABOUT[clock], taken) for clock, taken in clocks.items() if clock != "response"],
        history=_history(alert, access_alert_history(member, alert)),
        precision=tally_told("alert", tally),
        members=[Choice(one.email, one.name, one.pk == alert.assignee_id) for one in access_assignees(member)],
    )


def _properties(told: Mapping[str, object]) -> list[tuple[str, str]]:
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
        for name, value in told.items()
    ]


def _history(alert: Alert, entries: Sequence[AuditEntry]) -> list[HistoryLine]:
    """From what happened to the end; what closed by itself was closed by nobody."""
    found = [
        HistoryLine(alert.happened_at, "", "It happened"),
        HistoryLine(alert.detected_at, "", "A look found it"),
        HistoryLine(alert.opened_at, "", "It had held for as long as the rule asks, and opened"),
    ]
    if alert.first_contact_at is not None:
        found.append(HistoryLine(alert.first_contact_at, "", "First contact with the account"))
    found += [HistoryLine(entry.at, entry.by, _what(entry)) for entry in entries]
    if alert.closed_at is not None and not alert.closed_by:
        reason = REASONS.get(alert.close_reason, alert.close_reason).lower()
        found.append(HistoryLine(alert.closed_at, "", f"Closed by itself: {reason}"))
    return sorted(found, key=lambda line: line.at)


def _what(entry: AuditEntry) -> str:
    told = {name: str(value or "nobody") for name, value in entry.details.items()}
    told["reason"] = REASONS.get(told.get("reason", ""), told.get("reason", "")).lower()
    if "until" in told and told["until"][:1].isdigit():
        told["until"] = f"{datetime.fromisoformat(told['until']):%-d %b %Y, %H:%M} UTC"
    return DONE[entry.act].format_map({"to": "", "until": "", **told})
