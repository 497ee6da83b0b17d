"""Taking a rejected event after all: back into the inbox, under its own id.

A replayed event becomes known when it is replayed, so no score of before changes; the ledger counts it
in the hour in which it first came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery

from keepwell.base.registry import kinds
from keepwell.connectors import kinds as connector_kinds
from keepwell.connectors import pulls
from keepwell.connectors.connector import Connector
from keepwell.connectors.dialect import Sender, dialect_kinds
from keepwell.connectors.pull import Pull
from keepwell.facts.inbound import Reading, Refusal, UnreadableError
from keepwell.jobs.audit import record_act
from keepwell.jobs.inbox import pack_batch, read_batch
from keepwell.jobs.ledger import Counts, Entry, add_counts, hour_of
from keepwell.jobs.seal import UNASSIGNED
from keepwell.store.models import Contact, InboxBatch, RejectedEvent, Source

HOOK: Final = "hook:"
PULL: Final = "pull:"
ROWS_A_TURN: Final = 1_000


@dataclass(frozen=True, slots=True)
class Replay:
    """How many events were taken after all, and how many are refused still."""

    taken: int
    refused: int


def do_replay_rejected(events: Sequence[int], *, by: str, now: datetime) -> Replay:
    """Read rejected events again, as a server key of their source could send them; those that fit are taken.

    An event that was replayed before stays as it is.
    """
    taken = refused = 0
    for start in range(0, len(events), ROWS_A_TURN):
        part = RejectedEvent.objects.filter(pk__in=events[start : start + ROWS_A_TURN], replayed_at=None)
        with transaction.atomic():
            done = _replay(part, now)
            details = {"taken": done.taken, "refused": done.refused}
            record_act("replay_rejected", "rejected events", details, by=by, now=now)
        taken, refused = taken + done.taken, refused + done.refused
    return Replay(taken, refused)


def do_take_assigned(*, now: datetime) -> int:
    """Take the events of contacts whose account has become known since; nobody asked, so no act is recorded."""
    contacts = Contact.objects.filter(key=OuterRef("contact")).order_by().values("key")
    choices = contacts.annotate(choices=Count("account", distinct=True)).values("choices")
    waiting = RejectedEvent.objects.filter(code="no_account", replayed_at=None)
    ready = waiting.annotate(choices=Subquery(choices)).filter(choices=1).order_by("pk")[:ROWS_A_TURN]
    with transaction.atomic():
        return _replay(ready, now).taken


def _replay(rows: "QuerySet[RejectedEvent]", now: datetime) -> Replay:
    counts: Counts = Counts()
    batches: list[InboxBatch] = []
    taken: list[int] = []
    refused = 0
    settings = dict(Source.objects.values_list("pk", "settings"))
    for row in rows:
        events = _read_again(row, settings.get(row.source, {})).events
        if not events:
            refused += 1
            continue
        hour = hour_of(row.known_at)
        batches.append(
            InboxBatch(
                source=row.source, key=row.key, known_at=now, hour=hour, events=len(events), body=pack_batch(events)
            )
        )
        counts[Entry(row.source, row.key, hour, "rejected", row.code)] -= 1
        # A request that could not be read at all was counted as one event.
        counts[Entry(row.source, row.key, hour, "received")] += len(events) - 1
        taken.append(row.pk)
    InboxBatch.objects.bulk_create(batches)
    add_counts(counts)
    RejectedEvent.objects.filter(pk__in=taken).update(replayed_at=now)
    return Replay(len(taken), refused)


def _read_again(row: RejectedEvent, settings: dict[str, object]) -> Reading:
    """Read as on the day it came, so that its time and its id are those it would have got then."""
    body = bytes(row.body)
    known_at = (row.known_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    try:
        if row.dialect == UNASSIGNED:
            return Reading(read_batch(body))
        if row.dialect.startswith(HOOK):
            connector = kinds(connector_kinds, Connector)[row.dialect.removeprefix(HOOK)]()
            return connector.replay(body, row.message_id, settings, known_at=known_at)
        if row.dialect.startswith(PULL):
            pull = kinds(pulls, Pull)[row.dialect.removeprefix(PULL)]()
            return pull.replay(body, settings, known_at=known_at)
        dialect = dialect_kinds()[row.dialect]()
        return dialect.replay(body, Sender(is_trusted=True, trusted_names=frozenset()), known_at=known_at)
    except UnreadableError as error:
        return Reading(refusals=[Refusal(0, error.code, error.sentence, row.message_id, body)])
