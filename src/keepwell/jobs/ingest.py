"""Taking in events: the one door from arrivals to the log."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from keepwell.base.crash_point import crash_point
from keepwell.base.errors import BugError
from keepwell.base.home import Home
from keepwell.facts.arrival import ARRIVALS
from keepwell.jobs.audit import record_act
from keepwell.jobs.dictionary import learn_ids, note_first_known, read_dictionaries
from keepwell.jobs.imported import WRITER, do_mark_imported
from keepwell.jobs.meaning import learn_rules_in_force
from keepwell.jobs.touch import do_touch_aged
from keepwell.lake import duck
from keepwell.lake.encode import Dictionaries, encode, unknown_ids
from keepwell.lake.identity import Verdict, sift
from keepwell.lake.log import EventLog
from keepwell.store.models import ImportRun

# A batch is held several times over, each row with every column of the log.
ROWS_A_SEAL: Final = 200_000


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import run says of itself; counts of rows that never became arrivals come from the reader."""

    source: str
    file_name: str
    rejects_file: str = ""


@dataclass(slots=True)
class ImportOutcome:
    """received = accepted + duplicate + conflict + rejected."""

    run_id: int
    accepted: int = 0
    duplicate: int = 0
    conflict: int = 0
    rejected: int = 0
    conflicting_ids: list[str] = field(default_factory=list)
    accounts: set[int] = field(default_factory=set)

    @property
    def received(self) -> int:
        return self.accepted + self.duplicate + self.conflict + self.rejected


def do_import_events(
    home: Home, batches: Iterable[pa.RecordBatch], plan: ImportPlan, *, by: str, now: datetime
) -> ImportOutcome:
    """Append arrivals the log does not hold yet; running it again with the same arrivals changes nothing.

    Ids enter the dictionaries before the rows that use them, and rows are on disk before they are counted,
    so a run that was killed is simply run again.
    """
    log = EventLog(home.log)
    run = ImportRun.objects.create(
        source=plan.source, file_name=plan.file_name, rejects_file=plan.rejects_file, started_at=now
    )
    outcome = ImportOutcome(run.pk)
    held = read_dictionaries()
    for arrivals in _chunks(batches):
        held = _seal(log, arrivals, held, outcome, now)
    if log.is_worth_compacting():
        log.compact()
    _finish(run, outcome, by=by, now=now)
    return outcome


def do_close_import(
    outcome: ImportOutcome, *, rejected: int, findings: list[dict[str, object]], by: str, now: datetime
) -> None:
    """Add what only the reader knows once it has read the whole file: rejected rows and findings."""
    outcome.rejected += rejected
    with transaction.atomic():
        ImportRun.objects.filter(pk=outcome.run_id).update(
            received=outcome.received, rejected=outcome.rejected, findings=findings
        )
        record_act("import_closed", f"import {outcome.run_id}", {"rejected": rejected}, by=by, now=now)


def _chunks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += len(batch)
        if rows >= ROWS_A_SEAL:
            yield pa.Table.from_batches(waiting, ARRIVALS)
            waiting, rows = [], 0
    if rows:
        yield pa.Table.from_batches(waiting, ARRIVALS)


def _seal(log: EventLog, arrivals: pa.Table, held: Dictionaries, outcome: ImportOutcome, now: datetime) -> Dictionaries:
    with log.sealing(), duck.session() as database:
        held = learn_ids(unknown_ids(database, arrivals, held), held)
        snapshot = log.snapshot()
        rules, held = learn_rules_in_force(snapshot.mapping, held)
        sifted = sift(database, encode(database, arrivals, held, snapshot.properties, rules), snapshot.files)
        if len(sifted.new):
            note_first_known(sifted.new)
            accounts, number = pc.unique(sifted.new["account"]).to_pylist(), snapshot.sealed(WRITER) + 1
            do_mark_imported(number, accounts)
            crash_point("import: marked")
            if not log.append(sifted.new, writer=WRITER, number=number):
                raise BugError("another process sealed while this one held the lock; run the import again")
            crash_point("import: appended")
            do_touch_aged(accounts, now=now)
    outcome.accepted += len(sifted.new)
    outcome.duplicate += sifted.count(Verdict.DUPLICATE)
    outcome.conflict += sifted.count(Verdict.CONFLICT)
    outcome.conflicting_ids += sifted.conflicting_ids
    outcome.accounts.update(pc.unique(sifted.new["account"]).to_pylist())
    return held


def _finish(run: ImportRun, outcome: ImportOutcome, *, by: str, now: datetime) -> None:
    with transaction.atomic():
        run.received = outcome.received
        run.accepted = outcome.accepted
        run.duplicate = outcome.duplicate
        run.conflict = outcome.conflict
        run.finished_at = now
        run.save()
        counts = {"accepted": run.accepted, "duplicate": run.duplicate, "conflict": run.conflict}
        record_act(
            "events_imported",
            f"import {run.pk}",
            {"source": run.source, "file": run.file_name, **counts},
            by=by,
            now=now,
        )
