"""The turns of the live system: what came in is sealed, scored and known from then on, and not before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keepwell.base.business_time import Calendar
from keepwell.facts.inbound import Inbound, Reading
from keepwell.facts.values import Values
from keepwell.jobs.cycle import Cycle
from keepwell.jobs.inbox import Arrival, Inbox
from keepwell.jobs.package import do_publish_package
from keepwell.jobs.seal import Sealer
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.lake.engine import Question
from keepwell.lake.log import EventLog
from keepwell.store.models import (
    AuditEntry,
    CurrentScore,
    LedgerCount,
    ModelVersion,
    RejectedEvent,
    ScoreRecord,
    Source,
    TouchedAccount,
)
from tests.flows.company import BY, Company, found_company, history

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return found_company(tmp_path)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    found = Inbox()
    found.start()
    yield found
    found.stop()


def source() -> int:
    return Source.objects.get_or_create(name="app", defaults={"connector": "http", "created_at": NOW})[0].pk


def take(inbox: Inbox, now: datetime, *events: Inbound) -> None:
    inbox.put(Arrival(source(), 0, now, "segment", Reading(list(events)))).result()


def signed_in(message: str, at: datetime, *, account: str | None = "acme", contact: str = "ada") -> Inbound:
    return Inbound(message, "signed_in", int(at.timestamp() * 1_000_000), account, contact, "")


def microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def turn(company: Company, *moments: datetime) -> Cycle:
    cycle = Cycle(company.home, embedded_engine(), Calendar())
    for moment in moments:
        cycle.do_run_cycle(now=moment)
    return cycle


def test_an_event_that_came_in_is_in_the_score_of_the_next_turn(company: Company, inbox: Inbox) -> None:
    take(inbox, NOW, *(signed_in(f"m{day}", NOW - timedelta(days=day)) for day in range(1, 9)))
    turn(company, NOW + timedelta(seconds=5))
    score = CurrentScore.objects.get(model=company.version.model)
    assert score.record.as_of == NOW + timedelta(seconds=5)
    assert score.nano_points is not None
    assert not TouchedAccount.objects.exists()


def test_live_events_score_as_the_same_events_imported(tmp_path: Path, inbox: Inbox) -> None:
    live = found_company(tmp_path / "live")
    arrivals = history(accounts=3, days=60).to_pylist()
    moment = max(row["known_at"] for row in arrivals) + timedelta(minutes=5)
    for row in arrivals:
        at = microseconds(row["at"])
        told = Inbound(row["message_id"], row["name"], at, row["account"], row["contact"], row["props"] or "")
        inbox.put(Arrival(source(), 0, row["known_at"], "segment", Reading([told])))
    take(inbox, moment)
    turn(live, moment)
    scored = scores_as_of(moment)
    assert [row[0] for row in scored] == ["acme", "borealis"]
    imported = Company(type(live.home)(tmp_path / "imported"), live.version)
    do_publish_package(imported.home, "saas", note="", by=BY, now=moment)
    imported.take(history(accounts=3, days=60))
    imported.score(moment)
    assert scores_as_of(moment) == scored


def scores_as_of(moment: datetime) -> list[tuple[object, ...]]:
    rows = ScoreRecord.objects.filter(as_of=moment).order_by("account__key")
    return list(rows.values_list("account__key", "nano_points", "coverage", "band"))


def test_what_was_scored_before_an_event_was_sealed_stays_as_it_was(company: Company, inbox: Inbox) -> None:
    take(inbox, NOW, *(signed_in(f"m{day}", NOW - timedelta(days=day)) for day in range(1, 9)))
    first = NOW + timedelta(seconds=5)
    turn(company, first)
    before = scores_as_of(first)
    # It came in before the turn, and was written only afterwards.
    take(inbox, NOW + timedelta(seconds=4), signed_in("late", NOW - timedelta(hours=1), contact="grace"))
    turn(company, NOW + timedelta(minutes=1))
    company.score(first)
    assert scores_as_of(first) == before


def test_events_of_an_unknown_contact_are_taken_once_the_account_is_told(company: Company, inbox: Inbox) -> None:
    take(inbox, NOW, signed_in("m1", NOW - timedelta(hours=2), account=None, contact="grace"))
    turn(company, NOW + timedelta(seconds=5))
    assert RejectedEvent.objects.get().code == "no_account"
    later = NOW + timedelta(hours=3)
    take(inbox, later, signed_in("m2", later - timedelta(minutes=1), contact="grace"))
    turn(company, later + timedelta(seconds=5), later + timedelta(minutes=2))
    assert RejectedEvent.objects.get().replayed_at == later + timedelta(minutes=2)
    sums = {row.outcome: row.count for row in LedgerCount.objects.filter(hour=NOW)}
    assert sums == {"received": 1, "accepted": 1, "rejected": 0}


def test_accounts_without_news_are_scored_once_a_day(company: Company, inbox: Inbox) -> None:
    take(inbox, NOW, *(signed_in(f"m{day}", NOW - timedelta(days=day)) for day in range(1, 9)))
    start = NOW + timedelta(seconds=5)
    cycle = turn(company, start)
    for hours in (1, 12, 23, 25):
        cycle.do_run_cycle(now=start + timedelta(hours=hours))
    full = AuditEntry.objects.filter(act="accounts_scored", details__accounts="all")
    assert [entry.at for entry in full.order_by("at")] == [start, start + timedelta(hours=25)]


def test_of_the_scores_within_an_hour_the_newest_stays(company: Company, inbox: Inbox) -> None:
    take(inbox, NOW, *(signed_in(f"m{day}", NOW - timedelta(days=day)) for day in range(1, 9)))
    cycle = turn(company, NOW + timedelta(seconds=5))
    for minute in range(1, 5):
        moment = NOW + timedelta(minutes=minute)
        take(inbox, moment, signed_in(f"n{minute}", moment - timedelta(seconds=30)))
        cycle.do_run_cycle(now=moment + timedelta(seconds=5))
    moments = list(ScoreRecord.objects.filter(version=company.version).values_list("as_of", flat=True))
    # That of the run over all accounts stays beside it.
    assert sorted(moments) == [NOW + timedelta(seconds=5), NOW + timedelta(minutes=4, seconds=5)]


def test_a_score_without_news_is_made_anew_within_the_hour_and_the_newest_of_these_stays(
    company: Company, inbox: Inbox
) -> None:
    take(inbox, NOW, *(signed_in(f"m{day}", NOW - timedelta(days=day)) for day in range(1, 9)))
    start = NOW + timedelta(seconds=5)
    cycle = turn(company, start)
    seen = []
    for minute in range(1, 121):
        cycle.do_run_cycle(now=start + timedelta(minutes=minute))
        seen.append(start + timedelta(minutes=minute) - CurrentScore.objects.get().record.as_of)
    assert max(seen) < timedelta(hours=1)
    assert not TouchedAccount.objects.exists()
    assert list(ScoreRecord.objects.order_by("as_of").values_list("occasion", flat=True)) == ["asked", "age"]
    # What the worker scores turn by turn is nobody's act.
    assert AuditEntry.objects.filter(act="accounts_scored").count() == 1


def test_a_new_version_of_a_model_is_scored_in_full_at_once(company: Company, inbox: Inbox) -> None:
    take(inbox, NOW, signed_in("m1", NOW - timedelta(days=1)))
    start = NOW + timedelta(seconds=5)
    cycle = turn(company, start)
    newer = ModelVersion.objects.create(
        model=company.version.model,
        number=company.version.number + 1,
        digest="newer",
        text=company.version.text,
        published_at=NOW,
        published_by=BY,
    )
    later = start + timedelta(minutes=2)
    cycle.do_run_cycle(now=later)
    assert CurrentScore.objects.get().record.version == newer
    assert AuditEntry.objects.filter(act="accounts_scored", details__version=newer.number, at=later).exists()


def test_a_clock_that_is_set_back_stops_nothing(company: Company, inbox: Inbox) -> None:
    take(inbox, NOW, signed_in("m1", NOW - timedelta(days=1)))
    cycle = turn(company, NOW + timedelta(seconds=5))
    before = CurrentScore.objects.get().record.as_of
    earlier = NOW - timedelta(hours=1)
    take(inbox, earlier, signed_in("m2", earlier - timedelta(minutes=1)))
    cycle.do_run_cycle(now=earlier + timedelta(seconds=5))
    assert CurrentScore.objects.get().record.as_of > before
    cycle.do_run_cycle(now=earlier + timedelta(seconds=6))
    assert not TouchedAccount.objects.exists()


class SealingMeanwhile:
    """The engine, while another process seals one more event."""

    def __init__(self, company: Company, inbox: Inbox, event: Inbound) -> None:
        self._company, self._inbox, self._event = company, inbox, event

    def values(self, log: EventLog, question: Question) -> list[Values]:
        found = embedded_engine().values(log, question)
        take(self._inbox, NOW, self._event)
        Sealer(self._company.home).do_seal_inbox()
        return found


def test_news_that_is_sealed_while_a_score_is_made_is_in_the_next_one(company: Company, inbox: Inbox) -> None:
    take(inbox, NOW, *(signed_in(f"m{day}", NOW - timedelta(days=day)) for day in range(1, 9)))
    first = NOW + timedelta(seconds=5)
    late = signed_in("late", NOW - timedelta(hours=1), contact="grace")
    Cycle(company.home, SealingMeanwhile(company, inbox, late), Calendar()).do_run_cycle(now=first)
    assert TouchedAccount.objects.count() == 1
    before = scores_as_of(first)
    company.score(first)
    assert scores_as_of(first) == before
    turn(company, first + timedelta(seconds=1))
    assert not TouchedAccount.objects.exists()
    assert CurrentScore.objects.get().record.as_of > first
