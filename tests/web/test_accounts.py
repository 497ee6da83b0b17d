"""Accounts: sort, filter, search, pages; all of it in the address."""

import time
from datetime import timedelta

import pytest
from django.test import Client

from keepwell.base.clock import FixedClock
from keepwell.store.models import Account, CurrentScore, Member, ScoreRecord
from keepwell.web.pages.accounts import Context
from tests.web.world import EMAIL, NOW, World, publish


def accounts(client: Client, query: str = "") -> Context:
    page: Context = client.get(f"/accounts{query}").context["page"]
    return page


def titles(client: Client, query: str = "") -> list[str]:
    return [line.row.title for line in accounts(client, query).lines]


def test_the_worst_score_comes_first_and_unknown_last(signed_in: Client) -> None:
    for sort in ("", "?sort=-score"):
        nanos = [line.row.nano_points for line in accounts(signed_in, sort).lines]
        known = [nano for nano in nanos if nano is not None]
        assert known == sorted(known, reverse=bool(sort))
        assert nanos[-1] is None


@pytest.mark.parametrize("sort", ["name", "-name", "mrr", "-mrr", "renewal", "coverage", "owner", "change", "-change"])
def test_every_column_sorts_without_losing_an_account(signed_in: Client, sort: str) -> None:
    page = accounts(signed_in, f"?sort={sort}")
    assert len(page.lines) == page.total == 25
    heading = next(item for item in page.headings if item.sorted_as)
    assert heading.sorted_as == ("descending" if sort.startswith("-") else "ascending")


def test_the_change_of_7_days_sorts_as_it_is_shown(signed_in: Client) -> None:
    changes = [line.change_nano for line in accounts(signed_in, "?sort=change").lines]
    known = [change for change in changes if change is not None]
    assert known == sorted(known)
    assert titles(signed_in, "?sort=change")[0] == "Borealis"


def test_search_finds_by_name_and_by_key(signed_in: Client) -> None:
    assert titles(signed_in, "?q=orea") == ["Borealis"]
    assert titles(signed_in, "?q=delta-0") == ["Delta"]
    assert titles(signed_in, "?q=100%25") == []


def test_bands_and_plan_narrow_together(signed_in: Client) -> None:
    page = accounts(signed_in, "?band=critical&band=high_risk&plan=team")
    assert page.total > 0
    for line in page.lines:
        assert line.row.band in {"critical", "high_risk"}
        assert line.row.plan == "team"


def test_an_unknown_score_is_hollow_and_not_critical(signed_in: Client) -> None:
    (line,) = accounts(signed_in, "?q=delta-0").lines
    assert line.is_hollow
    assert line.band is None
    assert titles(signed_in, "?band=unknown") == ["Delta"]
    assert "Delta" not in titles(signed_in, "?band=critical")


def test_no_result_names_what_left_everything_out(signed_in: Client) -> None:
    empty = accounts(signed_in, "?q=nobody&plan=team").empty
    assert empty is not None
    assert empty.kind == "no_results"
    assert "“nobody”" in empty.text
    assert "plan team" in empty.text


def test_links_keep_the_rest_of_the_address(signed_in: Client) -> None:
    page = accounts(signed_in, "?q=a&band=critical&sort=-mrr")
    by_name = {heading.title: heading.href for heading in page.headings}
    assert by_name["Account"] == "?q=a&band=critical&sort=name"
    assert by_name["MRR"] == "?q=a&band=critical&sort=mrr"


def test_stale_and_low_coverage_are_marked(signed_in: Client, world: World) -> None:
    Account.objects.filter(pk=world.acme).update(last_event_at=NOW - timedelta(days=40))
    ScoreRecord.objects.filter(account=world.acme, as_of=NOW).update(coverage=0.4)
    (line,) = accounts(signed_in, "?q=acme").lines
    assert line.is_stale
    assert line.is_hollow


def test_ten_thousand_accounts_take_under_200_ms(db: None, client: Client) -> None:
    _plant_many(10_000)
    client.force_login(Member.objects.create_user(EMAIL, None, name="Ada", role="viewer"))
    for query in ("", "?page=150", "?q=77", "?band=critical&sort=-mrr", "?sort=change"):
        client.get(f"/accounts{query}")
        times = []
        for _ in range(3):
            start = time.process_time()
            assert client.get(f"/accounts{query}").context["page"].lines
            times.append(time.process_time() - start)
        # The slowest question compares all accounts with a week ago.
        assert min(times) < (0.6 if "change" in query else 0.2), query


def _plant_many(count: int) -> None:
    version = publish("saas", "model.yaml", NOW)
    made = Account.objects.bulk_create(Account(key=f"k{n}", name=f"Account {n}", mrr=n % 900) for n in range(count))
    bands = (("critical", 10), ("high_risk", 30), ("at_risk", 50), ("healthy", 70), ("thriving", 90))
    records = ScoreRecord.objects.bulk_create(
        (ScoreRecord(account=account, version=version, as_of=NOW - timedelta(days=days), coverage=1.0,
                     nano_points=(bands[n % 5][1] * 10**9 + n * 1000 + days), band=bands[n % 5][0], measures=[])
         for days in (8, 7, 1, 0) for n, account in enumerate(made)), batch_size=900)  # fmt: skip
    newest = [record for record in records if record.as_of == NOW]
    CurrentScore.objects.bulk_create(
        (CurrentScore(account_id=record.account_id, model=version.model, record=record, band=record.band,
                      nano_points=record.nano_points) for record in newest), batch_size=900)  # fmt: skip


@pytest.mark.parametrize(("hours", "is_old"), [(23, False), (25, True)])
def test_a_score_of_more_than_a_day_ago_is_marked(
    signed_in: Client, world: World, monkeypatch: pytest.MonkeyPatch, hours: int, is_old: bool
) -> None:
    """P7, F33."""
    for module in ("keepwell.web.pages.accounts", "keepwell.web.api.account"):
        monkeypatch.setattr(f"{module}.SystemClock", lambda: FixedClock(NOW + timedelta(hours=hours)))
    page = signed_in.get("/accounts").content.decode()
    assert page.count(">old score</span>") == (25 if is_old else 0)
    rows = signed_in.get("/api/accounts").json()["accounts"]
    assert {row["is_stale"] for row in rows} == {is_old}
    assert signed_in.get(f"/api/accounts/{world.acme}").json()["is_stale"] is is_old
