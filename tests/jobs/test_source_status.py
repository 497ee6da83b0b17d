"""What the ledger tells of a source, and that its sums are watched."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from keepwell.base.home import Home
from keepwell.jobs.silence import source_states
from keepwell.lake.log import EventLog, schema_of
from keepwell.store.models import LedgerCount, Member, Source
from keepwell.store.read.source import (
    SourceRow,
    access_keys,
    access_ledger,
    access_rejected,
    access_sources,
    ledger_differences,
    source_rows,
)
from tests.jobs.intake_world import HOUR, NOW, plant_hour, plant_rejected, plant_source


@pytest.fixture
def owner(db: None) -> Member:
    return Member.objects.create_user("ada@example.org", None, name="Ada", role="owner")


@pytest.fixture
def web(db: None) -> Source:
    source = plant_source("web-app")
    plant_hour(source, NOW, {"accepted": 40, "duplicate": 3, "rejected:no_subject": 2, "waiting": 5})
    plant_hour(source, NOW - HOUR, {"accepted": 90, "conflict": 1, "rejected:too_far_ahead": 9})
    plant_hour(source, NOW - 30 * HOUR, {"accepted": 7_000})
    return source


def row_of(source: Source) -> SourceRow:
    (row,) = source_rows(Source.objects.filter(pk=source.pk), now=NOW)
    return row


def test_a_source_shows_its_rate_what_was_rejected_and_what_waits(web: Source) -> None:
    row = row_of(web)
    assert row.received == 150
    assert row.events_an_hour == pytest.approx(150 / 24)
    assert row.outcomes == {"accepted": 130, "duplicate": 3, "conflict": 1, "rejected": 11}
    assert row.rejected_share == pytest.approx(11 / 150)
    assert list(row.rejected_by_reason.items()) == [("too_far_ahead", 9), ("no_subject", 2)]
    assert (row.waiting, row.waiting_since) == (5, NOW.replace(minute=3))
    idle = row_of(plant_source("idle", minutes_ago=None))
    assert (idle.received, idle.rejected_share, idle.waiting, idle.waiting_since) == (0, None, 0, None)


def test_the_hours_add_up_and_the_newest_comes_first(web: Source, owner: Member) -> None:
    hours = access_ledger(owner, web.pk, NOW - 48 * HOUR, NOW)
    assert [hour.received for hour in hours] == [50, 100, 7_000]
    assert [hour.difference for hour in hours] == [0, 0, 0]
    assert hours[0].outcomes == {"accepted": 40, "duplicate": 3, "conflict": 0, "rejected": 2, "waiting": 5}
    assert ledger_differences() == []


def test_an_event_that_disappears_or_counts_twice_is_found_in_its_hour_and_key(web: Source) -> None:
    plant_hour(web, NOW - 5 * HOUR, {"accepted": 10}, key=7, lost=1)
    plant_hour(web, NOW - 6 * HOUR, {"accepted": 10, "waiting": 4}, key=8, lost=-2)
    found = [(item.source_name, item.key, item.received, item.found) for item in ledger_differences()]
    assert found == [("web-app", 7, 11, 10), ("web-app", 8, 12, 14)]
    third = NOW.replace(minute=0) - 5 * HOUR
    for minutes in (0, 1, 59):
        inside = third + timedelta(minutes=minutes)
        assert [item.hour for item in ledger_differences(since=inside)] == [third]
    for minutes in (-59, -1, 0):
        assert [item.key for item in ledger_differences(until=third + timedelta(minutes=minutes))] == [8]


def test_a_loss_at_one_key_is_not_hidden_by_a_gain_at_another(web: Source) -> None:
    plant_hour(web, NOW - 5 * HOUR, {"accepted": 10}, key=7, lost=1)
    plant_hour(web, NOW - 5 * HOUR, {"accepted": 10}, key=8, lost=-1)
    assert len(ledger_differences()) == 2


def test_every_single_wrong_count_is_found(web: Source) -> None:
    for count in LedgerCount.objects.all():
        LedgerCount.objects.filter(pk=count.pk).update(count=count.count + 1)
        assert len(ledger_differences()) == 1, count.outcome
        LedgerCount.objects.filter(pk=count.pk).update(count=count.count)
    assert ledger_differences() == []


def test_rejected_events_are_grouped_by_reason_until_they_are_replayed(web: Source, owner: Member) -> None:
    plant_rejected(web, "no_subject", 2, body=b"\xff\x00")
    plant_rejected(web, "too_far_ahead", 5)
    groups = access_rejected(owner, web.pk, newest=3)
    assert [(group.code, group.count, len(group.newest)) for group in groups] == [
        ("too_far_ahead", 5, 3),
        ("no_subject", 2, 2),
    ]
    assert groups[0].last_at == groups[0].newest[0].known_at == NOW


@pytest.mark.parametrize("role", ["analyst", "lead", "csm", "viewer"])
def test_who_does_not_manage_sees_no_source(web: Source, role: str) -> None:
    member = Member.objects.create_user(f"{role}@example.org", None, name=role, role=role)
    plant_rejected(web, "no_subject", 2)
    assert access_sources(member, now=NOW) == []
    assert access_ledger(member, web.pk, NOW - 48 * HOUR, NOW) == []
    assert access_rejected(member, web.pk) == []
    assert access_keys(member) == []


def test_a_stopped_a_new_and_a_young_source_are_not_called_silent(web: Source, tmp_path: Path) -> None:
    Source.objects.filter(pk=web.pk).update(is_active=False)
    plant_source("new", minutes_ago=None)
    plant_source("young", minutes_ago=60 * 24 * 30)
    rows = source_rows(Source.objects.all(), now=NOW)
    states = source_states(Home(tmp_path), rows, now=NOW)
    assert {row.name: states[row.id].state for row in rows} == {
        "web-app": "stopped",
        "new": "waiting",
        "young": "learning",
    }


def test_silence_is_judged_by_the_hours_of_the_ledger_while_the_log_tells_nothing(db: None, tmp_path: Path) -> None:
    source = plant_source("steady", minutes_ago=0)
    for hours in range(24 * 30):
        plant_hour(source, NOW - hours * HOUR, {"accepted": 5})
    assert state_of(source, tmp_path, minutes=60) == "sending"
    assert state_of(source, tmp_path, minutes=60 * 6) == "silent"


def test_silence_is_judged_to_the_minute_by_the_log(db: None, tmp_path: Path) -> None:
    source = plant_source("steady", minutes_ago=0)
    log = EventLog(Home(tmp_path).log)
    log.create({})
    minutes = range(60 * 24 * 21)
    events = [
        {"account": 1, "contact": None, "name": 1, "at": NOW - timedelta(minutes=minute),
         "known_at": NOW - timedelta(minutes=minute), "source": name, "message_id": f"{name}-{minute}", "tie": minute,
         "imported": name == "file", "props": None}
        for name in ("steady", "file") for minute in minutes
    ]  # fmt: skip
    log.append(pa.Table.from_pylist(events, schema_of({})), writer="test", number=1)
    assert state_of(source, tmp_path, minutes=5) == "sending"
    assert state_of(source, tmp_path, minutes=15) == "silent"
    imported = plant_source("file", minutes_ago=30)
    assert state_of(imported, tmp_path, minutes=30) == "learning"


def state_of(source: Source, home: Path, *, minutes: int) -> str:
    """So many minutes after the last event, which was at NOW."""
    Source.objects.filter(pk=source.pk).update(last_event_at=NOW)
    now = NOW + timedelta(minutes=minutes)
    return source_states(Home(home), [row_of(source)], now=now)[source.pk].state
