"""A source with a ledger, an inbox and rejected events, as the intake leaves them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from keepwell.facts.inbound import Inbound
from keepwell.jobs.inbox import pack_batch
from keepwell.store.models import InboxBatch, LedgerCount, RejectedEvent, Source

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def plant_source(name: str, *, connector: str = "http", now: datetime = NOW, minutes_ago: int | None = 2) -> Source:
    last = None if minutes_ago is None else now - timedelta(minutes=minutes_ago)
    return Source.objects.create(
        name=name, connector=connector, created_at=now - timedelta(days=90), created_by="ada@example.org",
        last_event_at=last,
    )  # fmt: skip


def plant_hour(source: Source, hour: datetime, outcomes: Mapping[str, int], *, key: int = 1, lost: int = 0) -> None:
    """`outcomes` by name, a rejection as "rejected:<code>"; `lost` events were received and are nowhere."""
    hour = hour.replace(minute=0, second=0, microsecond=0)
    counts = {"received": sum(outcomes.values()) + lost, **outcomes}
    for outcome, count in counts.items():
        name, _, reason = outcome.partition(":")
        if name == "waiting":
            known_at = hour + timedelta(minutes=3)
            body = pack_batch([_event(f"{source.pk}-{known_at:%d-%H}-{number}", known_at) for number in range(count)])
            InboxBatch.objects.create(source=source.pk, key=key, known_at=known_at, hour=hour, events=count, body=body)
        elif count:
            LedgerCount.objects.create(source=source.pk, key=key, hour=hour, outcome=name, reason=reason, count=count)


def _event(message_id: str, at: datetime) -> Inbound:
    return Inbound(message_id, "signed_in", int(at.timestamp() * 1_000_000), "acme", "ada", "")


def plant_rejected(source: Source, code: str, count: int, *, body: bytes = b"{}", now: datetime = NOW) -> None:
    for number in range(count):
        RejectedEvent.objects.create(
            source=source.pk, key=1, known_at=now - timedelta(minutes=number), dialect="segment", code=code,
            sentence=f"refused because of {code}", message_id=f"m-{code}-{number}", body=body,
        )  # fmt: skip
