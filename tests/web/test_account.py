"""Account: the score opens down to its events."""

import re
from datetime import datetime
from decimal import Decimal

import pytest
from django.test import Client

from keepwell.base.home import Home
from keepwell.health.weight import NANO
from keepwell.jobs.read_account import Change, ChangeLine, account_explanation
from keepwell.store.models import Account, ModelVersion, ScoreRecord
from keepwell.web.pages.account import Context
from tests.web.world import NOW, World, publish


def account(client: Client, account_id: int, query: str = "") -> Context:
    page: Context = client.get(f"/accounts/{account_id}{query}").context["page"]
    return page


def test_the_weight_tree_adds_up_at_every_level(signed_in: Client, world: World) -> None:
    page = account(signed_in, world.acme)
    assert page.explanation is not None
    groups = [row for row in page.tree if row.depth == 0]
    measures = [row for row in page.tree if not row.is_group]
    assert [row.title for row in groups] == ["Usage", "Engagement", "Business", "Relationship"]
    assert [row.model_weight for row in groups] == [40, 30, 20, 10]
    assert len(measures) == 17
    total = page.explanation.nano_points
    assert sum(row.points_nano for row in groups) == sum(row.points_nano for row in measures) == total
    assert sum(row.weight_nano for row in groups) == 100 * NANO


def test_a_missing_measure_is_said_to_be_missing_and_not_zero(signed_in: Client, world: World) -> None:
    record = ScoreRecord.objects.get(account=world.acme, as_of=NOW)
    record.measures[0] |= {"value": None, "points_nano": 0, "weight_nano": 0}
    record.save()
    row = next(row for row in account(signed_in, world.acme).tree if row.id == record.measures[0]["metric"])
    assert row.is_missing
    assert row.is_shifted
    assert row.value == "no data"


def told_by_tables(home: Home, account_id: int, model: str, since: datetime, until: datetime) -> Change | None:
    """A change from two planted scores; what the log tells is shown elsewhere, with scores made from it."""
    before = account_explanation(home, account_id, model, since)
    after = account_explanation(home, account_id, model, until)
    if before is None or after is None:
        return None
    pairs = zip(before.measures, after.measures, strict=True)
    lines = [ChangeLine(old.metric, "behaviour", new.points_nano - old.points_nano, old, new) for old, new in pairs]
    return Change(before, after, tuple(sorted(lines, key=lambda line: -abs(line.change_nano))))


@pytest.fixture
def planted_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepwell.web.pages.account.account_change", told_by_tables)


@pytest.mark.usefixtures("planted_change")
def test_the_change_is_explained_to_the_last_digit(signed_in: Client, world: World) -> None:
    view = account(signed_in, world.borealis).change
    assert view is not None
    assert view.change is not None
    assert sum(row.nano for row in view.rows) == view.change.change_nano < -20 * NANO
    assert sum(nano for _, nano in view.totals) == view.change.change_nano
    assert [abs(row.nano) for row in view.rows] == sorted((abs(row.nano) for row in view.rows), reverse=True)


@pytest.mark.usefixtures("planted_change")
def test_the_days_compared_can_be_chosen(signed_in: Client, world: World) -> None:
    view = account(signed_in, world.borealis, "?since=2026-11-01&until=2026-11-10").change
    assert view is not None
    assert view.change is not None
    assert view.change.before.as_of.isoformat() == "2026-11-01T02:00:00+00:00"
    assert view.change.after.as_of.isoformat() == "2026-11-10T02:00:00+00:00"
    too_early = account(signed_in, world.borealis, "?since=2020-01-01").change
    assert too_early is not None
    assert too_early.change is None


def test_the_page_of_a_past_day_shows_that_day(signed_in: Client, world: World) -> None:
    page = account(signed_in, world.borealis, "?as_of=2026-11-05")
    assert page.is_past
    assert page.explanation is not None
    record = ScoreRecord.objects.get(account=world.borealis, as_of=NOW.replace(day=5))
    assert page.explanation.nano_points == record.nano_points
    assert sum(row.points_nano for row in page.tree if row.depth == 0) == record.nano_points


def test_a_model_edit_is_marked_in_the_history(signed_in: Client, world: World) -> None:
    second = publish("saas", "model.yaml", NOW, number=2)
    later = ScoreRecord.objects.filter(account=world.acme, as_of__gte=NOW.replace(day=15))
    assert later.update(version=second) == 6
    page = account(signed_in, world.acme)
    assert page.history is not None
    (mark,) = page.history["series"][0]["markLine"]["data"]
    assert mark["name"] == "model v2"
    assert page.model is not None
    assert page.model.number == 2
    assert ModelVersion.objects.count() == 2


@pytest.mark.parametrize("which", ["risks", "strengths"])
def test_risks_and_strengths_name_measures_with_their_points(signed_in: Client, world: World, which: str) -> None:
    page = account(signed_in, world.borealis if which == "risks" else world.acme)
    found = page.risks if which == "risks" else page.strengths
    assert len(found) == 3
    assert all((item.nano < 0) == (which == "risks") for item in found)


def test_every_measure_opens_down_to_its_events(signed_in: Client, world: World) -> None:
    text = signed_in.get(f"/accounts/{world.acme}").content.decode()
    hrefs = set(re.findall(rf'href="(/accounts/{world.acme}/events\?metric=[^"&]+)', text))
    assert len(hrefs) == 17
    for href in hrefs:
        page = signed_in.get(href).context["page"]
        assert page.lines or page.empty.kind == "no_data"
    page = signed_in.get(f"/accounts/{world.acme}/events?metric=daily_active_rate").context["page"]
    assert {line.event.name for line in page.lines} == {"signed_in", "feature_used"}
    assert all((NOW - line.event.at).days < 30 for line in page.lines)
    times = [line.event.at for line in page.lines]
    assert times == sorted(times, reverse=True)
    assert page.value == page.value.strip() != ""


def test_events_come_in_pages(signed_in: Client, world: World) -> None:
    first = signed_in.get(f"/accounts/{world.acme}/events").context["page"]
    assert (first.total, first.first, first.last) == (130, 1, 50)
    last = signed_in.get(f"/accounts/{world.acme}/events?page=3").context["page"]
    assert (last.first, last.last, last.after_href) == (101, 130, "")
    nothing = signed_in.get(f"/accounts/{world.delta}/events").context["page"]
    assert nothing.empty.kind == "no_data"


def test_an_account_without_data_is_unknown(signed_in: Client, world: World) -> None:
    page = account(signed_in, world.delta)
    assert page.is_hollow
    assert page.band is None
    assert "UNKNOWN" in signed_in.get(f"/accounts/{world.delta}").content.decode()


def test_contacts_and_traits_are_shown(signed_in: Client, world: World) -> None:
    page = account(signed_in, world.acme)
    assert (len(page.contacts), page.contact_count) == (12, 15)
    assert ("country", "NL") in page.traits


def test_the_other_models_score_is_a_link_away(two_models: World, signed_in: Client) -> None:
    page = account(signed_in, two_models.acme)
    (other,) = page.others
    assert other.href == "?model=crypto/technical"
    technical = account(signed_in, two_models.acme, other.href)
    assert technical.model is not None
    assert technical.model.model == "crypto/technical"
    assert len([row for row in technical.tree if not row.is_group]) == 12


def test_money_carries_its_currency(signed_in: Client, world: World) -> None:
    Account.objects.filter(pk=world.acme).update(mrr=Decimal("12345.60"), currency="CHF")
    assert "12,346\u202fCHF" in signed_in.get(f"/accounts/{world.acme}").content.decode()
