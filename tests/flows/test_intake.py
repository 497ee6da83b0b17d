"""From the inbox to the log: durable, counted once, and nothing lost in silence."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Thread

import duckdb
import pytest

from keepwell.base.home import Home
from keepwell.facts.inbound import Inbound, Reading, Refusal
from keepwell.jobs.inbox import Arrival, Inbox
from keepwell.jobs.seal import Sealer
from keepwell.lake.log import EventLog
from keepwell.store.models import InboxBatch, LedgerCount, RejectedEvent, SealPlan, Source, TouchedAccount

NOW = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    EventLog(found.log).create({"feature": "text"})
    return found


@pytest.fixture
def source() -> int:
    return Source.objects.create(name="app", connector="http", created_at=NOW, created_by="ops").pk


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    found = Inbox()
    found.start()
    yield found
    found.stop()


def event(message: str, **changes: object) -> Inbound:
    told: dict[str, object] = {
        "message_id": message,
        "name": "feature_used",
        "at": int((NOW - timedelta(hours=1)).timestamp() * 1_000_000),
        "account": "acme",
        "contact": None,
        "props": '{"feature":"reports"}',
    }
    return Inbound(**{**told, **changes})  # type: ignore[arg-type]


def take(inbox: Inbox, source: int, *events: Inbound, refusals: list[Refusal] | None = None) -> None:
    inbox.put(Arrival(source, 0, NOW, "segment", Reading(list(events), refusals or []))).result()


def ledger() -> Counter[str]:
    found: Counter[str] = Counter()
    for row in LedgerCount.objects.all():
        found[f"{row.outcome} {row.reason}".strip()] += row.count
    return found


def logged(home: Home) -> list[str]:
    paths = EventLog(home.log).snapshot().paths
    if not paths:
        return []
    return [row[0] for row in duckdb.sql(f"SELECT message_id FROM read_parquet({paths}) ORDER BY 1").fetchall()]


def test_what_was_taken_is_on_disk_and_counted_before_the_answer(inbox: Inbox, source: int) -> None:
    refusal = Refusal(1, "no_name", "The event has no name.", "m2", b"{}")
    take(inbox, source, event("m1"), refusals=[refusal])
    assert InboxBatch.objects.get().events == 1
    assert ledger() == {"received": 2, "rejected no_name": 1}
    kept = RejectedEvent.objects.get()
    assert (kept.code, bytes(kept.body), kept.message_id) == ("no_name", b"{}", "m2")


def test_sealing_moves_each_event_once_and_closes_the_ledger(home: Home, inbox: Inbox, source: int) -> None:
    take(inbox, source, event("m1"), event("m1"), event("m2"))
    take(inbox, source, event("m2"), event("m1", props='{"feature":"exports"}'))
    sealer = Sealer(home)
    report = sealer.do_seal_inbox()
    assert report is not None
    assert (report.accepted, report.duplicate, report.conflict, report.rejected) == (2, 2, 1, 0)
    assert logged(home) == ["m1", "m2"]
    assert ledger() == {"received": 5, "accepted": 2, "duplicate": 2, "conflict": 1}
    assert sealer.do_seal_inbox() is None
    assert not InboxBatch.objects.exists()
    assert not SealPlan.objects.exists()
    assert TouchedAccount.objects.count() == 1


def test_a_resent_event_whose_clock_was_corrected_anew_is_a_duplicate(home: Home, inbox: Inbox, source: int) -> None:
    take(inbox, source, event("m1"))
    take(inbox, source, event("m1", at=event("m1").at + 31_000_000))
    report = Sealer(home).do_seal_inbox()
    assert report is not None
    assert (report.accepted, report.duplicate, report.conflict) == (1, 1, 0)


def test_an_event_belongs_to_the_one_account_of_its_contact(home: Home, inbox: Inbox, source: int) -> None:
    sealer = Sealer(home)
    take(inbox, source, event("m1", contact="ada"))
    sealer.do_seal_inbox()
    take(inbox, source, event("m2", account=None, contact="ada"))
    report = sealer.do_seal_inbox()
    assert report is not None
    assert report.accepted == 1
    assert logged(home) == ["m1", "m2"]


def test_an_event_of_nobody_known_is_kept_with_the_reason(home: Home, inbox: Inbox, source: int) -> None:
    take(inbox, source, event("m1", account=None, contact="ada"))
    report = Sealer(home).do_seal_inbox()
    assert report is not None
    assert report.rejected == 1
    assert ledger() == {"received": 1, "rejected no_account": 1}
    assert RejectedEvent.objects.get().contact == "ada"


def test_a_contact_at_two_accounts_does_not_choose_one(home: Home, inbox: Inbox, source: int) -> None:
    take(inbox, source, event("m1", contact="ada"), event("m2", account="borealis", contact="ada"))
    take(inbox, source, event("m3", account=None, contact="ada"))
    Sealer(home).do_seal_inbox()
    assert ledger()["rejected several_accounts"] == 1
    assert "2 accounts" in RejectedEvent.objects.get().sentence


def test_events_sent_several_times_by_eight_senders_at_once_count_once(home: Home, inbox: Inbox, source: int) -> None:
    """F12: each event one to five times, in and across batches and seals; `tests/crash` seals beside the senders."""
    random = Random(12)
    copies = [f"m{number}" for number in range(400) for _ in range(random.randint(1, 5))]
    random.shuffle(copies)
    batches = [copies[start : start + 7] for start in range(0, len(copies), 7)]

    def send(own: list[list[str]]) -> None:
        for batch in own:
            take(inbox, source, *(event(message) for message in batch))

    for part in (batches[::2], batches[1::2]):
        senders = [Thread(target=send, args=(part[number::8],)) for number in range(8)]
        for thread in senders:
            thread.start()
        for thread in senders:
            thread.join()
        Sealer(home).do_seal_inbox()
    assert logged(home) == sorted({*copies})
    assert ledger() == {"received": len(copies), "accepted": 400, "duplicate": len(copies) - 400}
