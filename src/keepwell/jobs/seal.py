"""Sealing: from the inbox into the log, each event once, whatever is killed when.

What becomes of every event is decided and written down as a plan first; then the log is appended to;
then the ledger, the rejected events and the emptied inbox are written in one transaction. After a crash
the log itself says whether the plan's seal is in it: if so the plan is carried out to its end, if not
it is thrown away and made anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
from django.db import transaction
from numpy.typing import NDArray

from keepwell.base.crash_point import crash_point
from keepwell.base.errors import BugError
from keepwell.base.home import Home
from keepwell.base.instant import instant, microseconds
from keepwell.facts.arrival import ARRIVALS
from keepwell.facts.inbound import Inbound, Refusal
from keepwell.jobs.dictionary import learn_ids, note_first_known, read_dictionaries
from keepwell.jobs.inbox import pack_batch, read_batch, rejected_row, write_rejected
from keepwell.jobs.ledger import Counts, Entry, Outcome, Row, add_counts, hour_of
from keepwell.jobs.meaning import learn_rules_in_force, untrusted_events
from keepwell.jobs.touch import News, do_touch_accounts, known_from_moment, news_of
from keepwell.lake import duck
from keepwell.lake.digest import KnownDigests
from keepwell.lake.encode import Dictionaries, encode, unknown_ids
from keepwell.lake.identity import Sifted, sift
from keepwell.lake.log import EventLog
from keepwell.lake.subject import find_accounts
from keepwell.store.models import InboxBatch, SealPlan, Source

WRITER: Final = "inbox"
# The dialect of events that were understood and could not be given to an account.
UNASSIGNED: Final = "inbox"
EVENTS_A_SEAL: Final = 200_000
# Two deliveries of one event by a wrong clock differ by how long each was on its way.
CLOCK_DRIFT: Final = timedelta(minutes=5)
_BATCHES_A_READ: Final = 2_000
_ROWS_A_STATEMENT: Final = 5_000
# In the order of `Verdict`; what could not be given to an account comes after them.
_OUTCOMES: Final[tuple[Outcome, ...]] = ("accepted", "duplicate", "conflict")
_REJECTED: Final = len(_OUTCOMES)


class Decided(msgspec.Struct, frozen=True, array_like=True):
    """What a seal does besides appending: lines for the ledger, events to keep as rejected, accounts with news.

    Instants are microseconds since 1970 UTC.
    """

    counts: list[tuple[int, int, int, Outcome, str, int]]
    rejected: list[tuple[int, int, int, Inbound, str, str]]
    newest: dict[int, int]
    news: list[News]


@dataclass(frozen=True, slots=True)
class SealReport:
    """What one seal did, in events."""

    accepted: int
    duplicate: int
    conflict: int
    rejected: int

    @property
    def events(self) -> int:
        return self.accepted + self.duplicate + self.conflict + self.rejected


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Rows of the inbox as columns; `batch` is the place of each event's batch."""

    batches: Sequence[InboxBatch]
    events: list[Inbound]
    batch: NDArray[np.int64]


class Sealer:
    """Seals the inbox of one home. Holds dictionaries and digests between seals, so one object serves a process."""

    def __init__(self, home: Home) -> None:
        self._log = EventLog(home.log)
        self._held: Dictionaries | None = None
        self._digests = KnownDigests()

    def do_seal_inbox(self, *, wait: bool = True) -> SealReport | None:
        """Move the oldest waiting events into the log; None when nothing waits.

        Running it again, or in two processes at once, moves each event once. Without `wait` it is also None where
        another process seals.
        """
        if not (InboxBatch.objects.exists() or SealPlan.objects.exists()):
            return None
        with self._log.sealing(wait=wait) as is_ours:
            if not is_ours:
                return None
            self._finish_what_was_begun()
            waiting = _read_waiting()
            return self._seal(waiting) if waiting.batches else None

    def _finish_what_was_begun(self) -> None:
        plan = SealPlan.objects.first()
        if plan is None:
            return
        if self._log.sealed(WRITER) >= plan.number:
            _finish(plan)
        else:
            plan.delete()

    def _seal(self, waiting: _Waiting) -> SealReport:
        held = read_dictionaries(self._held)
        with duck.session() as database:
            arrivals = _arrivals(waiting)
            found = find_accounts(database, arrivals, held.accounts, held.contacts)
            has_account = found["account"].is_valid().to_numpy()
            known = arrivals.set_column(0, ARRIVALS.field("account"), found["account"]).filter(pa.array(has_account))
            held = learn_ids(unknown_ids(database, known, held), held)
            snapshot = self._log.snapshot()
            rules, held = learn_rules_in_force(snapshot.mapping, held)
            untrusted = untrusted_events(waiting.batches, pa.array(waiting.batch)).filter(pa.array(has_account))
            rows = encode(database, known, held, snapshot.properties, rules, untrusted)
            sifted = sift(database, rows, self._digests.holding(rows["tie"], snapshot.files), drift=CLOCK_DRIFT)
        self._held = held
        verdicts = np.full(len(arrivals), _REJECTED, np.int8)
        verdicts[has_account] = sifted.verdicts
        outcome = _outcome(waiting, verdicts, found["choices"].to_numpy(), sifted)
        note_first_known(sifted.new)
        self._carry_out(sifted.new, waiting, outcome, snapshot.sealed(WRITER) + 1)
        counted = np.bincount(verdicts, minlength=4).tolist()
        return SealReport(*counted)

    def _carry_out(self, rows: pa.Table, waiting: _Waiting, outcome: Decided, number: int) -> None:
        plan = SealPlan(
            number=number,
            batches=[batch.pk for batch in waiting.batches],
            outcome=msgspec.msgpack.encode(outcome),
        )
        if len(rows):
            plan.save()
            crash_point("seal: planned")
            if not self._log.append(rows, writer=WRITER, number=number):
                raise BugError("another process sealed while this one held the lock; the next turn seals anew")
            crash_point("seal: appended")
        _finish(plan)
        crash_point("seal: finished")


def waiting_events() -> int:
    """How many events are durable and not in the log yet."""
    return sum(InboxBatch.objects.values_list("events", flat=True))


def _read_waiting() -> _Waiting:
    """The oldest batches, about EVENTS_A_SEAL events; at least one batch."""
    batches: list[InboxBatch] = []
    events: list[Inbound] = []
    sizes: list[int] = []
    for batch in InboxBatch.objects.order_by("pk").iterator(chunk_size=_BATCHES_A_READ):
        found = read_batch(bytes(batch.body))
        batch.body = b""
        batches.append(batch)
        sizes.append(len(found))
        events += found
        if len(events) >= EVENTS_A_SEAL:
            break
    return _Waiting(batches, events, np.repeat(np.arange(len(batches)), sizes))


def _arrivals(waiting: _Waiting) -> pa.Table:
    names = dict(Source.objects.values_list("pk", "name"))
    sources = pa.array([names[batch.source] for batch in waiting.batches], pa.string())
    # What was scored before an event could be sealed did not know of it.
    scored = known_from_moment()
    known = pa.array(
        [batch.known_at if scored is None else max(batch.known_at, scored) for batch in waiting.batches],
        pa.timestamp("us", "UTC"),
    )
    events, place = waiting.events, pa.array(waiting.batch)
    columns = [
        pa.array([event.account for event in events], pa.string()),
        pa.array([event.contact for event in events], pa.string()),
        pa.array([event.name for event in events], pa.string()),
        pa.array([event.at for event in events], pa.int64()).cast(pa.timestamp("us", "UTC")),
        known.take(place),
        sources.take(place),
        pa.array([event.message_id for event in events], pa.string()),
        pa.repeat(False, len(events)),
        pa.array([event.props or None for event in events], pa.string()),
    ]
    return pa.table(dict(zip(ARRIVALS.names, columns, strict=True)))


def _outcome(waiting: _Waiting, verdicts: NDArray[np.int8], choices: NDArray[np.int64], sifted: Sifted) -> Decided:
    counted = np.bincount(waiting.batch * 4 + verdicts, minlength=4 * len(waiting.batches)).reshape(-1, 4)
    counts: Counts = Counts()
    newest: dict[int, int] = {}
    for batch, told in zip(waiting.batches, counted.tolist(), strict=True):
        for outcome, number in zip(_OUTCOMES, told, strict=False):
            counts[Entry(batch.source, batch.key, batch.hour, outcome)] += number
        newest[batch.source] = max(newest.get(batch.source, 0), microseconds(batch.known_at))
    rejected: list[tuple[int, int, int, Inbound, str, str]] = []
    for place in np.flatnonzero(verdicts == _REJECTED).tolist():
        batch, event = waiting.batches[int(waiting.batch[place])], waiting.events[place]
        code, sentence = _unassigned(event, int(choices[place]))
        counts[Entry(batch.source, batch.key, batch.hour, "rejected", code)] += 1
        rejected.append((batch.source, batch.key, microseconds(_first_known(batch)), event, code, sentence))
    lines = [
        (entry.source, entry.key, microseconds(entry.hour), entry.outcome, entry.reason, count)
        for entry, count in counts.items()
        if count
    ]
    return Decided(lines, rejected, newest, news_of(sifted.new))


def _unassigned(event: Inbound, choices: int) -> tuple[str, str]:
    if choices:
        sentence = (
            f"The contact {event.contact!r} is known at {choices} accounts, and the event does not say which one is "
            "meant. Send context.groupId with it."
        )
        return "several_accounts", sentence
    sentence = (
        f"No account is known for the contact {event.contact!r}. The event is taken as soon as a group call, or an "
        "event with context.groupId, says where the contact belongs."
    )
    return "no_account", sentence


def _finish(plan: SealPlan) -> None:
    """Write everything that follows from a seal which is in the log."""
    outcome = msgspec.msgpack.decode(bytes(plan.outcome), type=Decided)
    with transaction.atomic():
        add_counts(
            {
                Entry(source, key, instant(hour), said, reason): count
                for source, key, hour, said, reason, count in outcome.counts
            }
        )
        write_rejected([_kept(*told) for told in outcome.rejected])
        for start in range(0, len(plan.batches), _ROWS_A_STATEMENT):
            InboxBatch.objects.filter(pk__in=plan.batches[start : start + _ROWS_A_STATEMENT]).delete()
        for source, newest in outcome.newest.items():
            Source.objects.filter(pk=source).update(last_event_at=instant(newest))
        do_touch_accounts(outcome.news)
        if plan.pk is not None:
            plan.delete()
        crash_point("seal: before finish")


def _first_known(batch: InboxBatch) -> datetime:
    """When the events of a batch came in; of replayed ones only the hour is left."""
    return batch.known_at if hour_of(batch.known_at) == batch.hour else batch.hour


def _kept(source: int, key: int, known_at: int, event: Inbound, code: str, sentence: str) -> Row:
    refusal = Refusal(0, code, sentence, event.message_id, pack_batch([event]))
    return rejected_row(source, key, instant(known_at), UNASSIGNED, refusal, event.contact or "")
