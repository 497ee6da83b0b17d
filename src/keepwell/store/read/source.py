"""Sources as the ledger tells of them: how much came, what became of it, and whether the sums agree."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from django.db.models import BigIntegerField, CharField, Count, F, Max, Min, QuerySet, Sum, Value

from keepwell.store.models import ApiKey, InboxBatch, LedgerCount, Member, RejectedEvent, Source

# Whose role may see sources and change them; security.md, "Keys and roles".
MANAGING_ROLES: Final = frozenset({"owner", "admin"})
RECEIVED: Final = "received"
REJECTED: Final = "rejected"
WAITING: Final = "waiting"
# What becomes of an event, in the order of the pages; together they are what was received.
OUTCOMES: Final = ("accepted", "duplicate", "conflict", REJECTED, WAITING)
HOUR: Final = timedelta(hours=1)
RATE_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class HourCount:
    """Events of one hour by outcome; `difference` is not 0 where something disappeared, or was counted twice."""

    hour: datetime
    received: int
    outcomes: Mapping[str, int]

    @property
    def difference(self) -> int:
        return self.received - sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Difference:
    """An hour of a source and key (0 for none) whose sum does not agree."""

    source: int
    source_name: str
    key: int
    hour: datetime
    received: int
    found: int


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source; the counts are those of the last 24 hours of the clock, this one included.

    `last_event_at` is when the last event came, whatever became of it.
    """

    id: int
    name: str
    connector: str
    is_active: bool
    created_at: datetime
    last_event_at: datetime | None
    received: int
    outcomes: Mapping[str, int]
    waiting: int
    waiting_since: datetime | None
    rejected_by_reason: Mapping[str, int] = field(default_factory=dict)

    @property
    def events_an_hour(self) -> float:
        return self.received / RATE_HOURS

    @property
    def rejected_share(self) -> float | None:
        """None where nothing came in."""
        return self.outcomes.get(REJECTED, 0) / self.received if self.received else None


@dataclass(frozen=True, slots=True)
class KeyRow:
    id: int
    name: str
    kind: str
    source_name: str
    scopes: Sequence[str]
    addresses: Sequence[str]
    note: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    leaked_at: datetime | None
    last_used_at: datetime | None

    def state(self, now: datetime) -> Literal["in use", "revoked", "expired", "leaked"]:
        """A leaked key is still taken, until somebody has put another in its place."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "leaked" if self.leaked_at is not None else "in use"


@dataclass(frozen=True, slots=True)
class RejectedGroup:
    """Rejected events of one reason that were not replayed, with the newest of them."""

    code: str
    count: int
    first_at: datetime
    last_at: datetime
    newest: Sequence[RejectedEvent]


def manages_sources(member: Member) -> bool:
    return member.is_active and member.role in MANAGING_ROLES


def visible_sources(member: Member) -> QuerySet[Source]:
    """All sources for those who manage them, none for anybody else."""
    return Source.objects.all() if manages_sources(member) else Source.objects.none()


def access_source(member: Member, source_id: int) -> Source | None:
    return visible_sources(member).filter(pk=source_id).first()


def access_sources(member: Member, *, now: datetime) -> list[SourceRow]:
    """Every source by name with what came in the last 24 hours."""
    return source_rows(visible_sources(member), now=now)


def source_rows(sources: QuerySet[Source], *, now: datetime) -> list[SourceRow]:
    """Without a guard, for the shell and for jobs."""
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    reasons: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    ledger = LedgerCount.objects.filter(hour__gt=now - RATE_HOURS * HOUR, hour__lte=now)
    for source, outcome, reason, count in ledger.values_list("source", "outcome", "reason").annotate(sum=Sum("count")):
        counts[source][outcome] += count
        if outcome == REJECTED:
            reasons[source][reason] += count
    waiting = {
        source: (events, oldest, newest)
        for source, events, oldest, newest in InboxBatch.objects.values_list("source").annotate(
            Sum("events"), Min("known_at"), Max("known_at")
        )
    }
    rejected = dict(RejectedEvent.objects.values_list("source").annotate(Max("known_at")))
    rows = []
    for source in sources.order_by("name"):
        events, oldest, newest = waiting.get(source.pk, (0, None, None))
        # Sealing writes the time of the last event down, so what waits or was rejected may be newer.
        came = [moment for moment in (source.last_event_at, newest, rejected.get(source.pk)) if moment is not None]
        found = counts[source.pk]
        rows.append(
            SourceRow(
                id=source.pk,
                name=source.name,
                connector=source.connector,
                is_active=source.is_active,
                created_at=source.created_at,
                last_event_at=max(came, default=None),
                received=found[RECEIVED],
                outcomes={outcome: found[outcome] for outcome in OUTCOMES if outcome != WAITING},
                waiting=events,
                waiting_since=oldest,
                rejected_by_reason=dict(sorted(reasons[source.pk].items(), key=lambda item: (-item[1], item[0]))),
            )
        )
    return rows


def access_ledger(member: Member, source_id: int, since: datetime, until: datetime) -> list[HourCount]:
    """Every hour that something came in, newest first, all keys together."""
    if access_source(member, source_id) is None:
        return []
    sums: dict[datetime, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for _, _, hour, outcome, count in _ledger_and_inbox(source_id, since, until):
        sums[hour][outcome] += count
    return [
        HourCount(hour, found[RECEIVED], {outcome: found[outcome] for outcome in OUTCOMES})
        for hour, found in sorted(sums.items(), reverse=True)
    ]


def ledger_differences(since: datetime | None = None, until: datetime | None = None) -> list[Difference]:
    """Hours of a source and key where received is not accepted + duplicate + conflict + rejected + waiting.

    One statement reads ledger and inbox, so that no seal that goes on meanwhile is seen half.
    """
    received: dict[tuple[int, int, datetime], int] = defaultdict(int)
    found: dict[tuple[int, int, datetime], int] = defaultdict(int)
    for source, key, hour, outcome, count in _ledger_and_inbox(None, since, until):
        place = (source, key, hour)
        if outcome == RECEIVED:
            received[place] += count
        elif outcome in OUTCOMES:
            found[place] += count
    names = dict(Source.objects.values_list("pk", "name"))
    return [
        Difference(source, names.get(source, f"source {source}"), key, hour, received[place], found[place])
        for place in sorted({*received, *found})
        if received[place] != found[place]
        for source, key, hour in [place]
    ]


def hours_of(sources: Sequence[int], since: datetime) -> dict[int, dict[datetime, int]]:
    """Events received by source and hour since then; hours without any are left out."""
    rows = LedgerCount.objects.filter(source__in=sources, hour__gte=since, outcome=RECEIVED)
    found: dict[int, dict[datetime, int]] = {source: {} for source in sources}
    for source, hour, count in rows.values_list("source", "hour").annotate(Sum("count")):
        found[source][hour] = count
    return found


def access_rejected(member: Member, source_id: int, *, newest: int = 3) -> list[RejectedGroup]:
    """What was not taken and not replayed, by reason, the most frequent first, each with its newest events."""
    if access_source(member, source_id) is None:
        return []
    rows = RejectedEvent.objects.filter(source=source_id, replayed_at=None)
    groups = rows.values_list("code").annotate(Count("pk"), Min("known_at"), Max("known_at"))
    return [
        RejectedGroup(code, count, first, last, list(rows.filter(code=code).order_by("-known_at", "-pk")[:newest]))
        for code, count, first, last in sorted(groups, key=lambda group: (-group[1], group[0]))
    ]


def access_rejected_ids(member: Member, source_id: int, code: str, most: int) -> list[int]:
    """Rejected events of a source and reason that were not replayed, the oldest first."""
    if access_source(member, source_id) is None:
        return []
    rows = RejectedEvent.objects.filter(source=source_id, code=code, replayed_at=None)
    return list(rows.order_by("known_at", "pk").values_list("pk", flat=True)[:most])


def access_keys(member: Member, source_id: int | None = None) -> list[KeyRow]:
    """Keys, those in use first; of one source, or all of them."""
    return key_rows(source_id) if manages_sources(member) else []


def key_rows(source_id: int | None = None) -> list[KeyRow]:
    """Without a guard, for the shell."""
    rows = ApiKey.objects.select_related("source").order_by("-created_at", "-pk")
    if source_id is not None:
        rows = rows.filter(source=source_id)
    found = [_key_row(key) for key in rows]
    return sorted(found, key=lambda row: row.revoked_at is not None)


def _key_row(key: ApiKey) -> KeyRow:
    return KeyRow(
        id=key.pk,
        name=str(key),
        kind=key.kind,
        source_name=key.source.name if key.source else "",
        scopes=tuple(key.scopes),
        addresses=tuple(key.addresses),
        note=key.note,
        created_at=key.created_at,
        created_by=key.created_by,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        leaked_at=key.leaked_at,
        last_used_at=key.last_used_at,
    )


def _ledger_and_inbox(
    source: int | None, since: datetime | None, until: datetime | None
) -> list[tuple[int, int, datetime, str, int]]:
    """Source, key, hour, outcome and sum, of the ledger and of what waits, in one statement; whole hours only."""
    ledger, inbox = LedgerCount.objects.order_by(), InboxBatch.objects.order_by()
    if source is not None:
        ledger, inbox = ledger.filter(source=source), inbox.filter(source=source)
    if since is not None:
        since = since.replace(minute=0, second=0, microsecond=0)
        ledger, inbox = ledger.filter(hour__gte=since), inbox.filter(hour__gte=since)
    if until is not None:
        until = (until - timedelta(microseconds=1)).replace(minute=0, second=0, microsecond=0) + HOUR
        ledger, inbox = ledger.filter(hour__lt=until), inbox.filter(hour__lt=until)
    waiting = (
        inbox.annotate(begun=F("hour"), became=Value(WAITING, output_field=CharField()))
        .values_list("source", "key", "begun", "became")
        .annotate(total=Sum("events", output_field=BigIntegerField()))
    )
    counts = ledger.values_list("source", "key", "hour", "outcome").annotate(total=Sum("count"))
    return list(counts.union(waiting, all=True))
