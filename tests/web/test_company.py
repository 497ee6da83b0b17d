"""The pages over a company that was taken in and scored for real: every number opens down to its events."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from keepwell.store.models import Account, Member, ScoreRecord
from tests.flows.company import UNTIL, Company, running_company

pytestmark = pytest.mark.django_db

MONTH = timedelta(days=30)


@pytest.fixture
def company(tmp_path: Path, client: Client) -> Company:
    found = running_company(tmp_path)
    found.score(UNTIL - MONTH, UNTIL - timedelta(days=1), UNTIL)
    client.force_login(Member.objects.create_user("ada@example.com", None, name="Ada", role="owner"))
    return found


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("−", "-")


@pytest.mark.requirement("A026", "A027")
def test_the_account_page_says_why_the_score_changed(company: Company, client: Client) -> None:
    account = Account.objects.get(key="borealis")
    since = (UNTIL - MONTH).date().isoformat()
    page = text_of(client.get(f"/accounts/{account.pk}?since={since}").content.decode())
    old, new = ScoreRecord.objects.filter(account=account, as_of__in=[UNTIL - MONTH, UNTIL]).order_by("as_of")
    assert old.nano_points is not None
    assert new.nano_points is not None
    assert f"{(new.nano_points - old.nano_points) / 1e9:+.2f}" in page
    assert "Behaviour" in page
    assert "Daily active rate" in page


def test_a_measure_opens_down_to_its_events(company: Company, client: Client) -> None:
    account = Account.objects.get(key="acme")
    page = text_of(client.get(f"/accounts/{account.pk}/events?metric=payment_health").content.decode())
    assert "payment_succeeded" in page
    assert "feature_used" not in page


@pytest.mark.requirement("A105", "A106", "A107", "A108", "A109", "A138")
def test_the_overview_counts_the_accounts_of_each_band(company: Company, client: Client) -> None:
    page = text_of(client.get("/").content.decode())
    held = ScoreRecord.objects.filter(as_of=UNTIL)
    for band, label in [("thriving", "THRIVING"), ("healthy", "HEALTHY"), ("at_risk", "AT RISK")]:
        number = held.filter(band=band).count()
        share = round(100 * number / held.count())
        assert re.search(rf"{label} \S+ {number} {share}\s*%", page), page


def test_the_list_can_be_narrowed_to_a_segment(company: Company, client: Client) -> None:
    page = text_of(client.get("/accounts?segment=ready_to_expand").content.decode())
    account = Account.objects.filter(segments__segment="ready_to_expand")
    assert "Ready to expand" in page
    for one in Account.objects.exclude(name=""):
        row = f" {one.name} "
        assert (row in page) is account.filter(pk=one.pk).exists()
