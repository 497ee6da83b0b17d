"""Sources and their ledger."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import HttpRequest
from ninja import Router, Schema, Status

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.jobs.silence import Sending, source_states
from keepwell.store.read.source import HourCount, access_ledger, access_source, access_sources, manages_sources
from keepwell.web.api.shape import Id, Moment, NotFound
from keepwell.web.pages.frame import member_of

router = Router()
WEEK = timedelta(days=7)
LONGEST = timedelta(days=92)
FIRST = datetime(2000, 1, 1, tzinfo=UTC)


class NotAllowed(Schema):
    error: str = "Owners and admins see sources; ask one of them."


class SourceShape(Schema):
    """Counts are those of the last 24 hours of the clock; `silent_from` is when it counts, or counted, as silent."""

    id: int
    name: str
    connector: str
    state: Sending
    last_event_at: datetime | None
    lag_s: float | None
    silent_from: datetime | None
    events_an_hour: float
    received: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    rejected_share: float | None
    rejected_by_reason: Mapping[str, int]
    waiting: int


class SourceList(Schema):
    sources: list[SourceShape]


class HourShape(Schema):
    """received = accepted + duplicate + conflict + rejected + waiting + difference, which must be 0."""

    hour: datetime
    received: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    waiting: int
    difference: int


class LedgerShape(Schema):
    source: str
    hours: list[HourShape]


@router.get("", response={200: SourceList, 403: NotAllowed}, summary="Sources with what came in the last 24 hours")
def list_sources(request: HttpRequest) -> Status[object]:
    member = member_of(request)
    if not manages_sources(member):
        return Status(403, NotAllowed())
    now = SystemClock().now()
    rows = access_sources(member, now=now)
    states = source_states(Home(settings.KEEPWELL.home), rows, now=now)
    shapes = [
        SourceShape(
            id=row.id,
            name=row.name,
            connector=row.connector,
            state=states[row.id].state,
            last_event_at=row.last_event_at,
            lag_s=None if row.last_event_at is None else (now - row.last_event_at).total_seconds(),
            silent_from=states[row.id].silent_from,
            events_an_hour=row.events_an_hour,
            received=row.received,
            accepted=row.outcomes["accepted"],
            duplicate=row.outcomes["duplicate"],
            conflict=row.outcomes["conflict"],
            rejected=row.outcomes["rejected"],
            rejected_share=row.rejected_share,
            rejected_by_reason=row.rejected_by_reason,
            waiting=row.waiting,
        )
        for row in rows
    ]
    return Status(200, SourceList(sources=shapes))


@router.get("/{int:source_id}/ledger", response={200: LedgerShape, 404: NotFound}, summary="Events by hour and outcome")
def ledger(
    request: HttpRequest, source_id: Id, since: Moment | None = None, until: Moment | None = None
) -> Status[object]:
    """Newest hour first, at most 92 days; a week without `since`."""
    member = member_of(request)
    source = access_source(member, source_id)
    if source is None:
        return Status(404, NotFound())
    end = max(until or SystemClock().now(), FIRST)
    begin = max(since or end - WEEK, end - LONGEST)
    hours = access_ledger(member, source_id, begin, end)
    return Status(200, LedgerShape(source=source.name, hours=[_hour(hour) for hour in hours]))


def _hour(hour: HourCount) -> HourShape:
    return HourShape(
        hour=hour.hour,
        received=hour.received,
        accepted=hour.outcomes["accepted"],
        duplicate=hour.outcomes["duplicate"],
        conflict=hour.outcomes["conflict"],
        rejected=hour.outcomes["rejected"],
        waiting=hour.outcomes["waiting"],
        difference=hour.difference,
    )
