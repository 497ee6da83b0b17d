"""Taking a rejected event after all: back into the inbox, under its own id.

A replayed event becomes known when it is replayed, so no score of before changes; the ledger counts it
in the hour in which it first came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery

from keepwell.base.home import Home
from keepwell.base.instant import microseconds
from keepwell.base.registry import kinds
from keepwell.connectors import kinds as connector_kinds
from keepwell.connectors import pulls
from keepwell.connectors.connector import Connector
from keepwell.connectors.dialect import Sender, dialect_kinds
from keepwell.connectors.pull import Pull
from keepwell.facts.inbound import Reading, Refusal, UnreadableError
from keepwell.jobs.audit import record_act
from keepwell.jobs.catalogue import read_catalogue
from keepwell.jobs.inbox import pack_batch, read_batch
from keepwell.jobs.ledger import Counts, Entry, add_counts, hour_of
from keepwell.jobs.mapping import rules_wanted
from keepwell.jobs.meaning import OPEN_KEY, guarded_names
from keepwell.jobs.seal import UNASSIGNED
from keepwell.store.models import ApiKey, Contact, InboxBatch, RejectedEvent, Source

HOOK: Final = "hook:"
PULL: Final = "pull:"
NEEDS_SERVER_KEY: Final = "needs_server_key"
ROWS_A_TURN: Final = 1_000


@dataclass(frozen=True, slots=True)
class Replay:
    """How many events were taken after all, and how many are refused still."""

    taken: int
    refused: int


def do_replay_rejected(home: Home, events: Sequence[int], *, by: str, now: datetime) -> Replay:
    """Read rejected events again, under the rights of the key they came with; those that fit are taken.

    One that was rejected for want of those rights is taken now: a member who replays it vouches for it. An event that
    was replayed before stays as it is.
    """
    reader = _Reader(home)
    taken = refused = 0
    for start in range(0, len(events), ROWS_A_TURN):
        part = RejectedEvent.objects.filter(pk__in=events[start : start + ROWS_A_TURN], replayed_at=None)
        with transaction.atomic():
            done = _replay(part, reader, now)
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
        return _replay(ready, None, now).taken


def _replay(rows: "QuerySet[RejectedEvent]", reader: "_Reader | None", now: datetime) -> Replay:
    """Without a reader only events that were understood before are taken."""
    counts: Counts = Counts()
    batches: list[InboxBatch] = []
    taken: list[int] = []
    refused = 0
    for row in rows:
        events = _read_again(row, reader).events
        if not events:
            refused += 1
            continue
        hour = hour_of(row.known_at)
        batches.append(
            InboxBatch(
                source=row.source,
                key=row.key,
                known_at=now,
                hour=hour,
                events=len(events),
                body=pack_batch(events),
                is_trusted=True if row.code == NEEDS_SERVER_KEY else None,
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


def _read_again(row: RejectedEvent, reader: "_Reader | None") -> Reading:
    if row.dialect == UNASSIGNED:
        return Reading(read_batch(bytes(row.body)))
    return reader.read(row) if reader is not None else Reading()


class _Reader:
    """Reads kept events as on the day they came, so that their times and ids are those they would have got then."""

    def __init__(self, home: Home) -> None:
        self._sources = Source.objects.in_bulk()
        self._server_keys = set(ApiKey.objects.exclude(kind=OPEN_KEY).values_list("pk", flat=True))
        self._rules = rules_wanted(home)
        self._catalogue = read_catalogue(home)

    def read(self, row: RejectedEvent) -> Reading:
        body, source = bytes(row.body), self._sources.get(row.source)
        known_at = microseconds(row.known_at)
        try:
            if row.dialect.startswith(HOOK):
                connector = kinds(connector_kinds, Connector)[row.dialect.removeprefix(HOOK)]()
                settings = source.settings if source else {}
                return connector.replay(body, row.message_id, settings, known_at=known_at)
            if row.dialect.startswith(PULL):
                pull = kinds(pulls, Pull)[row.dialect.removeprefix(PULL)]()
                return pull.replay(body, source.settings if source else {}, known_at=known_at)
            sender = self._sender(row, source.name if source else "")
            return dialect_kinds()[row.dialect]().replay(body, sender, known_at=known_at)
        except UnreadableError as error:
            return Reading(refusals=[Refusal(0, error.code, error.sentence, row.message_id, body)])

    def _sender(self, row: RejectedEvent, source: str) -> Sender:
        is_trusted = row.code == NEEDS_SERVER_KEY or row.key in self._server_keys
        trusted, telling = guarded_names(self._rules, self._catalogue, source)
        return Sender(is_trusted, trusted_names=trusted, telling_names=telling)
