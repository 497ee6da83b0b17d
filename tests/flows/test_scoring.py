"""Scoring through the jobs: complete, reproducible, blind to the future, and explained to the digit."""

import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from keepwell.health.held_band import raw_band
from keepwell.health.weight import NANO
from keepwell.jobs.account_score import causes_of_change, score_again
from keepwell.jobs.package import do_publish_package
from keepwell.jobs.score_book import measure_lines
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.store.models import Account, AuditEntry, CurrentScore, ScoreRecord, SegmentAccount
from keepwell.store.read.package import model_of
from tests.flows.company import BY, UNTIL, Company, found_company, history, one_event, running_company

pytestmark = pytest.mark.django_db

MONTH = timedelta(days=30)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return running_company(tmp_path)


def told() -> dict[str, object]:
    """Everything recorded of each account's newest score, by the account's key."""
    records = ScoreRecord.objects.select_related("account").filter(as_of=UNTIL)
    return {
        record.account.key: json.dumps(
            [record.nano_points, record.raw_band, record.trend_nano, record.coverage, record.measures]
        )
        for record in records
    }


@pytest.mark.requirement("A023", "A024", "A025", "A026", "A039", "A040", "A137", "A153")
def test_every_account_with_events_gets_a_score_a_band_and_a_trend(company: Company) -> None:
    run = company.score()[0]
    active = Account.objects.filter(churned_on=None)
    assert run.known + run.unknown == active.count() == CurrentScore.objects.count()
    record = CurrentScore.objects.get(account__key="acme").record
    assert record.nano_points == sum(line["points_nano"] for line in record.measures)
    assert record.raw_band == record.band == "thriving"
    for current in CurrentScore.objects.select_related("record"):
        change = (current.record.trend_nano or 0) / 1e9
        assert current.record.trend == ("stable" if abs(change) <= 5 else "improving" if change > 0 else "declining")
    assert AuditEntry.objects.filter(act="accounts_scored", by=BY).count() == 1


@pytest.mark.requirement("A027")
def test_the_key_risk_factors_are_the_measures_that_cost_most(company: Company) -> None:
    company.score()
    current = CurrentScore.objects.get(account__key="borealis")
    lost = {line["metric"]: line["weight_nano"] - line["points_nano"] for line in current.record.measures}
    assert current.reasons
    assert [reason["lost_nano"] for reason in current.reasons] == sorted(lost.values(), reverse=True)[:5]


@pytest.mark.requirement("X24")
def test_an_id_is_enough_and_what_is_told_of_a_score_comes_from_that_very_score(company: Company) -> None:
    """The sample engine reads a score and an account that it never named; its outputs are taken, its text is not."""
    model = model_of(company.version)[1]
    before = UNTIL - timedelta(days=model.trend.days)
    assert (not CurrentScore.objects.exists(), model.trend.days) == (True, 30)
    for account in Account.objects.filter(churned_on=None).values_list("pk", flat=True):
        company.score(accounts=[account])
        current = CurrentScore.objects.select_related("record").get(account=account)
        lines = {line["metric"]: line for line in current.record.measures}
        for group, weight in zip(model.groups, (40, 30, 20, 10), strict=True):
            assert sum(lines[part.metric]["weight_nano"] for part in group.parts) == weight * NANO
        assert current.nano_points == sum(line["points_nano"] for line in lines.values())
        assert current.record.raw_band == raw_band(current.nano_points, model)
        earlier = score_again(company.home, embedded_engine(), company.version, account, before)
        assert current.record.trend_nano == current.nano_points - int(earlier.nano_points[0])
        for reason in current.reasons:
            line = lines[reason["metric"]]
            assert reason["lost_nano"] == line["weight_nano"] - line["points_nano"]


def test_all_at_once_a_few_and_one_alone_score_the_same_to_the_digit(company: Company) -> None:
    company.score()
    together = told()
    ids = list(Account.objects.filter(key__in=["acme", "borealis"]).values_list("pk", flat=True))
    company.score(accounts=ids)
    assert told() == together
    for account_id in ids:
        company.score(accounts=[account_id])
    assert told() == together
    assert CurrentScore.objects.count() == len(together)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_repetition_and_batching_gives_the_same_bytes(tmp_path: Path, seed: int) -> None:
    events = history(accounts=4, days=90)
    sorted_company = found_company(tmp_path / "sorted")
    sorted_company.take(events)
    sorted_company.score()
    expected = told()
    Account.objects.all().delete()
    order = np.random.default_rng(seed).permutation(len(events))
    repeated = np.concatenate([order, order[: len(order) // 3]])
    shuffled = Company(found_company(tmp_path / "shuffled", "crypto").home, sorted_company.version)
    shuffled.take(events.take(pa.array(repeated)), batches=7)
    shuffled.score()
    assert told() == expected
    assert set(expected) >= {"acme", "borealis"}


def test_facts_known_later_never_change_an_earlier_score(company: Company) -> None:
    company.score()
    before = told()
    late = UNTIL - timedelta(days=3)
    company.take(one_event("payment_failed", late, known_at=UNTIL, message="late"))
    company.take(one_event("payment_failed", UNTIL, message="at the moment itself"))
    company.take(one_event("feature_used", UNTIL + timedelta(days=1), message="later"))
    company.score()
    assert told() == before
    company.score(UNTIL + timedelta(seconds=1))
    assert CurrentScore.objects.get(account__key="acme").record.measures != json.loads(str(before["acme"]))[4]


def test_a_recorded_score_can_be_worked_out_again(company: Company) -> None:
    company.score()
    record = CurrentScore.objects.get(account__key="borealis").record
    scores = score_again(company.home, embedded_engine(), company.version, record.account_id, UNTIL)
    assert measure_lines(scores, 0) == record.measures
    assert int(scores.nano_points[0]) == record.nano_points


def test_why_a_score_changed_adds_up_for_every_account(company: Company) -> None:
    company.score(UNTIL - MONTH, UNTIL)
    records = ScoreRecord.objects.exclude(nano_points=None).order_by("account_id", "as_of")
    pairs = [(old, new) for old, new in pairwise(records) if old.account_id == new.account_id]
    assert len(pairs) >= 3
    for old, new in pairs:
        causes = causes_of_change(
            company.home,
            embedded_engine(),
            old.account_id,
            (company.version, old.as_of),
            (company.version, new.as_of),
        )
        assert sum(cause.nano for cause in causes) == (new.nano_points or 0) - (old.nano_points or 0)
        assert {cause.cause for cause in causes} <= {"behaviour", "ageing", "late", "data"}


def test_an_account_without_data_is_unknown_and_not_critical(company: Company) -> None:
    company.take(one_event("ticket_reopened", UNTIL - timedelta(days=2), account="quiet"))
    run = company.score()[0]
    record = CurrentScore.objects.get(account__key="quiet").record
    assert run.unknown >= 1
    assert record.band == record.raw_band == ""
    assert record.trend == ""


def test_an_account_that_left_has_no_current_score_but_keeps_its_history(company: Company) -> None:
    company.score(UNTIL - MONTH)
    ended = UNTIL - timedelta(days=5)
    props = json.dumps({"status": "cancelled"})
    company.take(one_event("subscription_changed", ended, props=props, message="end"))
    company.score()
    assert not CurrentScore.objects.filter(account__key="acme").exists()
    assert ScoreRecord.objects.filter(account__key="acme").count() == 1
    company.score(ended - timedelta(days=1))
    assert ScoreRecord.objects.filter(account__key="acme").count() == 2


def test_scoring_the_past_again_leaves_the_current_score(company: Company) -> None:
    company.score()
    current = CurrentScore.objects.get(account__key="acme").record_id
    company.score(UNTIL - MONTH)
    assert CurrentScore.objects.get(account__key="acme").record_id == current


def test_scoring_a_moment_twice_keeps_one_record(company: Company) -> None:
    company.score()
    company.score()
    assert ScoreRecord.objects.filter(account__key="acme", as_of=UNTIL).count() == 1


def test_publishing_an_unchanged_package_makes_no_version(company: Company) -> None:
    new, same = do_publish_package(company.home, "saas", note="", by=BY, now=UNTIL)
    assert new == []
    assert [version.number for version in same] == [1]


@pytest.mark.requirement("B051")
def test_an_account_has_several_scores_side_by_side(tmp_path: Path) -> None:
    company = running_company(tmp_path, "crypto", accounts=4, days=90)
    _, versions = do_publish_package(company.home, "crypto", note="", by=BY, now=UNTIL)
    for version in versions:
        Company(company.home, version).score()
    models = set(CurrentScore.objects.filter(account__key="acme").values_list("model", flat=True))
    assert models == {"crypto/crypto", "crypto/technical"}


@pytest.mark.requirement("A140")
def test_segments_hold_the_accounts_their_rules_hold_for(company: Company) -> None:
    company.score()
    held = {
        segment: set(SegmentAccount.objects.filter(segment=segment).values_list("account__key", flat=True))
        for segment in ("ready_to_expand", "declining", "sponsor_silent", "payment_trouble")
    }
    for current in CurrentScore.objects.select_related("account", "record"):
        values = {line["metric"]: line["value"] for line in current.record.measures}
        expands = current.band in ("healthy", "thriving") and (values["plan_utilization_rate"] or 0) >= 0.8
        assert (current.account.key in held["ready_to_expand"]) is expands
        declines = current.record.trend == "declining" and 20e9 <= (current.nano_points or 0) < 80e9
        assert (current.account.key in held["declining"]) is declines
    assert any(held.values())
    only = Account.objects.get(key="acme").pk
    before = SegmentAccount.objects.count()
    company.score(accounts=[only])
    assert SegmentAccount.objects.count() == before
