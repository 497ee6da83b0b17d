"""Overview: the spread over the bands, what moved, and who comes first."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from keepwell.health.weight import NANO
from keepwell.store.models import Account, CurrentScore, Member, ScoreRecord
from keepwell.store.read.health_model import face_of
from keepwell.web.pages.overview import Context
from tests.web.world import NOW, World, publish


def overview(client: Client, query: str = "") -> Context:
    page: Context = client.get(f"/{query}").context["page"]
    return page


@pytest.mark.requirement("A034", "A138")
def test_it_states_when_and_by_which_model(signed_in: Client) -> None:
    text = signed_in.get("/").content.decode()
    assert "20 Nov 2026, 02:00 UTC" in text
    assert "saas/saas</code> v1" in text
    assert overview(signed_in).count == 25


@pytest.mark.requirement("A105", "A106", "A107", "A108", "A109")
def test_each_band_has_its_count_and_share(signed_in: Client) -> None:
    page = overview(signed_in)
    rows = {row.id: row for row in page.shares}
    for band in ("thriving", "healthy", "at_risk", "high_risk", "critical"):
        assert rows[band].count == CurrentScore.objects.filter(band=band).count() > 0
        assert rows[band].share == pytest.approx(rows[band].count / 25)
    assert rows["unknown"].count == 1
    assert sum(row.share for row in page.shares) == pytest.approx(1)
    assert [row.reach for row in page.shares][:5] == ["80–100", "60–80", "40–60", "20–40", "0–20"]
    drawn = [row for row in page.shares if row.width]
    assert drawn[-1].x + drawn[-1].width == pytest.approx(1000, abs=0.1)


@pytest.mark.requirement("B142", "B143", "B144", "B145")
def test_two_hundred_accounts_are_shown_as_the_sample_screen_shows_them(db: None, client: Client) -> None:
    version = publish("crypto", "model.yaml", NOW)
    counts = dict(zip([band.id for band in face_of(version).bands], (142, 38, 16, 4), strict=True))
    rows = [(band, number) for band, count in counts.items() for number in range(count)]
    accounts = Account.objects.bulk_create(Account(key=f"{band}-{number}") for band, number in rows)
    lows = {band.id: band.lo for band in face_of(version).bands}
    records = ScoreRecord.objects.bulk_create(
        ScoreRecord(account=account, version=version, as_of=NOW, nano_points=int(lows[band] + 5) * NANO, coverage=1,
                    band=band, raw_band=band) for account, (band, _) in zip(accounts, rows, strict=True))  # fmt: skip
    CurrentScore.objects.bulk_create(
        CurrentScore(account_id=record.account_id, model=version.model, record=record, band=record.band,
                     nano_points=record.nano_points) for record in records)  # fmt: skip
    client.force_login(Member.objects.create_user("a@b.example", None, name="A", role="viewer"))
    text = client.get("/").content.decode()
    shown = re.findall(
        r'<tr data-band="(\w+)">.*?<td class="number"><b>(\d+)</b></td>\s*<td class="number">(\d+)', text, re.S
    )
    assert [(int(count), int(share)) for _, count, share in shown] == [(142, 71), (38, 19), (16, 8), (4, 2)]


@pytest.mark.requirement("B146")
def test_a_large_fall_comes_first_with_its_points_and_its_reason(signed_in: Client, world: World) -> None:
    first = overview(signed_in).attention[0]
    assert first.row.id == world.borealis
    assert first.before_nano is not None
    assert first.row.nano_points is not None
    assert first.fall_nano == first.before_nano - first.row.nano_points
    assert first.fall_nano > 10 * NANO
    assert first.reason == "Daily active rate"
    text = " ".join(signed_in.get("/").content.decode().split())
    words = f"({first.before_nano // NANO} → {first.row.nano_points // NANO}): Daily active rate"
    assert words in text


def test_every_number_of_the_sentence_opens_the_list_that_it_counts(signed_in: Client) -> None:
    page = overview(signed_in, "?days=30")
    for href, count in (
        (page.accounts_href, page.count),
        (page.fell_href, page.fell_count),
        (page.rose_href, page.rose_count),
        (page.attention_href, page.attention_count),
        *((share.href, share.count) for share in page.shares),
        *((cell.href, cell.count) for _, cells in page.matrix for cell in cells if cell.count),
    ):
        assert signed_in.get(href).context["page"].total == count, href


def test_the_matrix_counts_every_account_once(signed_in: Client) -> None:
    page = overview(signed_in, "?days=30")
    assert sum(cell.count for _, cells in page.matrix for cell in cells) == page.count
    fallen = sum(cell.count for _, cells in page.matrix for cell in cells if cell.kind == "fell")
    assert fallen == page.fell_count > 0
    assert all(move.reason for move in page.moves)


@pytest.mark.requirement("B150")
def test_the_average_has_its_change_of_7_days(signed_in: Client) -> None:
    average = overview(signed_in).average
    assert average is not None
    known = [nano for nano in CurrentScore.objects.values_list("nano_points", flat=True) if nano is not None]
    assert average.nano == sum(known) // len(known)
    before = ScoreRecord.objects.filter(as_of=NOW.replace(day=13), nano_points__isnull=False)
    old = list(before.values_list("nano_points", flat=True))
    assert average.change_nano == average.nano - sum(nano or 0 for nano in old) // len(old)
    assert average.rose + average.fell <= average.compared == 24


def test_without_scores_it_says_how_to_begin(db: None, client: Client) -> None:
    client.force_login(Member.objects.create_user("a@b.example", None, name="A", role="viewer"))
    for path in ("/", "/accounts"):
        answer = client.get(path)
        assert answer.context["page"].empty.kind == "first_use"
        assert b"keepwell import" in answer.content


def test_all_clear_is_said_with_what_was_checked(signed_in: Client) -> None:
    ScoreRecord.objects.exclude(band="thriving").delete()
    ScoreRecord.objects.filter(account__current_scores__isnull=True).delete()
    page = overview(signed_in)
    assert page.attention_count == 0
    assert "Nothing needs you" in signed_in.get("/").content.decode()


def test_the_model_is_switched_and_remembered(two_models: World, client: Client) -> None:
    client.force_login(Member.objects.get(email="ada@keepwell.example"))
    assert [choice.value for choice in overview(client).models] == ["saas/saas", "crypto/technical"]
    switched = overview(client, "?model=crypto/technical")
    assert switched.model is not None
    assert switched.model.model == "crypto/technical"
    assert switched.count == 2
    kept = overview(client)
    assert kept.model == switched.model


def test_it_asks_the_database_a_fixed_number_of_times(signed_in: Client) -> None:
    with CaptureQueriesContext(connection) as few:
        signed_in.get("/")
    assert len(few) < 45
