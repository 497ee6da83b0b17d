"""Taking in arrivals: counted once, whatever the order, the batches or the repetitions."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from keepwell.base.home import Home
from keepwell.facts.arrival import ARRIVALS
from keepwell.jobs.ingest import ImportOutcome, ImportPlan, do_close_import, do_import_events
from keepwell.jobs.project import do_project_accounts
from keepwell.lake.log import EventLog
from keepwell.store.models import Account, AuditEntry, Contact, EventName, ImportRun

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PROPERTIES = {"feature": "text", "amount": "number", "escalated": "number", "renewal_at": "number"}

pytestmark = pytest.mark.django_db


def arrival(message: str, *, props: Mapping[str, object] | None = None, **changes: object) -> dict[str, object]:
    at = NOW - timedelta(days=10)
    told = {"account": "acme", "contact": None, "name": "feature_used", "at": at, "known_at": at, "source": "app"}
    rest = {"message_id": message, "imported": True, "props": json.dumps(props) if props is not None else None}
    return {**told, **rest, **changes}


def take(home: Home, *rows: Mapping[str, object]) -> ImportOutcome:
    batches = [pa.RecordBatch.from_pylist([dict(row)], ARRIVALS) for row in rows]
    return do_import_events(home, batches, ImportPlan("app", "file.csv"), by="ops@example.com", now=NOW)


def logged(home: Home) -> list[dict[str, object]]:
    files = [file.path for file in EventLog(home.log).files()]
    if not files:
        return []
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        rows: Sequence[dict[str, object]] = (
            database.sql(f"SELECT * FROM read_parquet({files}) ORDER BY message_id").to_arrow_table().to_pylist()
        )
    return list(rows)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    EventLog(found.log).create(PROPERTIES)
    return found


def test_an_event_is_logged_with_its_ids_its_properties_and_both_clocks(home: Home) -> None:
    known = NOW - timedelta(days=9)
    props = {"feature": "reports", "amount": 2.5, "escalated": True, "renewal_at": "2027-01-01T00:00:00Z", "other": [1]}
    take(home, arrival("m1", contact="ada", known_at=known, props=props))
    row = logged(home)[0]
    assert row["account"] == Account.objects.get(key="acme").pk
    assert row["contact"] == Contact.objects.get(key="ada").pk
    assert row["name"] == EventName.objects.get(name="feature_used").pk
    assert (row["at"], row["known_at"]) == (NOW - timedelta(days=10), known)
    assert (row["p_feature"], row["p_amount"], row["p_escalated"]) == ("reports", 2.5, 1.0)
    assert row["p_renewal_at"] == datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    assert json.loads(str(row["props"])) == props


def test_importing_twice_changes_nothing(home: Home) -> None:
    rows = [arrival(f"m{number}") for number in range(20)]
    first, second = take(home, *rows), take(home, *rows)
    assert (first.accepted, first.duplicate) == (20, 0)
    assert (second.accepted, second.duplicate, second.received) == (0, 20, 20)
    assert len(logged(home)) == 20


def test_the_same_id_twice_in_one_file_counts_once(home: Home) -> None:
    outcome = take(home, arrival("m1"), arrival("m1"), arrival("m2"))
    assert (outcome.accepted, outcome.duplicate, outcome.conflict) == (2, 1, 0)


def test_the_same_id_with_other_content_is_a_conflict_and_the_first_wins(home: Home) -> None:
    take(home, arrival("m1", props={"amount": 1}))
    outcome = take(home, arrival("m1", props={"amount": 2}), arrival("m1", account="borealis"))
    assert (outcome.accepted, outcome.duplicate, outcome.conflict) == (0, 0, 2)
    assert outcome.conflicting_ids == ["m1", "m1"]
    assert [row["p_amount"] for row in logged(home)] == [1.0]


def test_the_same_id_from_another_source_is_another_event(home: Home) -> None:
    outcome = take(home, arrival("m1"), arrival("m1", source="billing"))
    assert outcome.accepted == 2


def test_known_later_is_still_the_same_event(home: Home) -> None:
    take(home, arrival("m1"))
    outcome = take(home, arrival("m1", known_at=NOW))
    assert (outcome.duplicate, outcome.conflict) == (1, 0)


@pytest.mark.parametrize(
    ("left", "right"),
    [("acme", "Acme"), ("acme", "acme\u200b"), ("é", "e\u0301"), ("I", "ı"), ("001", "1")],
)
def test_ids_are_compared_as_they_are_written(home: Home, left: str, right: str) -> None:
    take(home, arrival("m1", account=left, contact=left), arrival("m2", account=right, contact=right))
    assert sorted(Account.objects.values_list("key", flat=True)) == sorted([left, right])
    assert sorted(Contact.objects.values_list("key", flat=True)) == sorted([left, right])


def test_the_same_contact_id_at_two_accounts_is_two_contacts(home: Home) -> None:
    take(home, arrival("m1", contact="1"), arrival("m2", account="borealis", contact="1"))
    assert Contact.objects.count() == 2


def test_a_property_of_another_type_stays_readable_and_is_missing_in_its_column(home: Home) -> None:
    take(home, arrival("m1", props={"amount": "plenty", "feature": 7}))
    row = logged(home)[0]
    assert row["p_amount"] is None
    assert json.loads(str(row["props"])) == {"amount": "plenty", "feature": 7}


def test_the_first_moment_a_name_was_known_is_kept(home: Home) -> None:
    take(home, arrival("m1"))
    take(home, arrival("m2", known_at=NOW - timedelta(days=30)), arrival("m3", known_at=NOW))
    assert EventName.objects.get(name="feature_used").first_known_at == NOW - timedelta(days=30)


def test_a_repeated_event_does_not_move_that_moment(home: Home) -> None:
    take(home, arrival("m1"))
    take(home, arrival("m1", known_at=NOW - timedelta(days=300)))
    assert EventName.objects.get(name="feature_used").first_known_at == NOW - timedelta(days=10)


def test_every_import_is_on_record_with_its_counts(home: Home) -> None:
    outcome = take(home, arrival("m1"), arrival("m1"), arrival("m2"))
    do_close_import(outcome, rejected=3, findings=[{"check": "within"}], by="ops@example.com", now=NOW)
    run = ImportRun.objects.get(pk=outcome.run_id)
    assert (run.received, run.accepted, run.duplicate, run.conflict, run.rejected) == (6, 2, 1, 0, 3)
    assert run.findings == [{"check": "within"}]
    assert AuditEntry.objects.filter(act="events_imported", by="ops@example.com").count() == 1


def test_traits_are_projected_in_the_order_they_were_told(home: Home) -> None:
    def told(message: str, name: str, days_ago: int, props: Mapping[str, object], **more: object) -> dict[str, object]:
        at = NOW - timedelta(days=days_ago)
        return arrival(message, name=name, at=at, known_at=at, props=props, **more)

    take(
        home,
        told("m3", "subscription_changed", 5, {"plan": "team", "mrr": 99.999, "renewal_at": "2026-12-24"}),
        told("m1", "account_created", 90, {"name": "Acme"}),
        told("m2", "subscription_changed", 60, {"plan": "solo", "mrr": 10, "seats": 3}),
        told("m4", "contact_updated", 9, {"name": "Ada", "email": "ada@example.com"}, contact="ada"),
    )
    do_project_accounts(home, None, now=NOW)
    account = Account.objects.get(key="acme")
    assert (account.name, account.plan, account.seats, str(account.mrr)) == ("Acme", "team", 3, "100.00")
    assert str(account.renewal_on) == "2026-12-24"
    assert (account.first_event_at, account.last_event_at) == (NOW - timedelta(days=90), NOW - timedelta(days=5))
    assert Contact.objects.get(key="ada").email == "ada@example.com"


def test_a_subscription_that_ended_and_came_back_has_not_churned(home: Home) -> None:
    ended = arrival("m1", name="subscription_changed", props={"status": "cancelled"})
    take(home, ended)
    do_project_accounts(home, None, now=NOW)
    assert Account.objects.get(key="acme").churned_on == (NOW - timedelta(days=10)).date()
    back = NOW - timedelta(days=2)
    take(home, arrival("m2", name="subscription_changed", at=back, known_at=back, props={"status": "active"}))
    do_project_accounts(home, None, now=NOW)
    assert Account.objects.get(key="acme").churned_on is None
