"""Who is told of what, and the words they read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.facts.notice import Notice, is_at_least, who_is_told
from keepwell.facts.notice_text import MOST_LISTED, ToldNotice, one_line, subject_and_text

ADA, BEN, CLEO, DAN = 1, 2, 3, 4
HOLDERS = {"admin": [ADA], "ceo": [BEN], "expert": [CLEO, DAN]}
PAGES, ZONE = "https://keepwell.example", "Europe/Berlin"


def notice(number: int = 12, account: str = "Harbour Lights", **more: object) -> Notice:
    parts: dict[str, object] = {
        "subject": "alert",
        "subject_id": number,
        "account_name": account,
        "title": "Health score below 20",
        "sentence": "The health score fell from 41 to 18 in 2 days; below 20 is an emergency.",
        "severity": "critical",
        "roles": ("csm", "ceo"),
        "link": f"/alerts/{number}",
        "account_owner_id": DAN,
    }
    return Notice(**{**parts, **more})  # type: ignore[arg-type]


@pytest.mark.requirement("A035", "A143")
def test_the_csm_is_the_owner_of_the_account_and_other_roles_are_held() -> None:
    told = who_is_told(notice(), HOLDERS, {ADA, BEN, CLEO, DAN})
    assert dict(told.members) == {DAN: ("csm",), BEN: ("ceo",)}
    assert told.empty_roles == ()


def test_whoever_holds_two_roles_is_told_once_in_both() -> None:
    told = who_is_told(notice(account_owner_id=BEN), HOLDERS, {ADA, BEN})
    assert dict(told.members) == {BEN: ("csm", "ceo")}


def test_where_nobody_holds_a_role_owners_and_admins_are_told() -> None:
    nobody = who_is_told(notice(account_owner_id=None, roles=("csm", "cto")), HOLDERS, {ADA, BEN})
    assert dict(nobody.members) == {ADA: ("admin",)}
    assert nobody.empty_roles == ("csm", "cto")
    gone = who_is_told(notice(account_owner_id=DAN), HOLDERS, {ADA, BEN})
    assert dict(gone.members) == {BEN: ("ceo",), ADA: ("admin",)}
    assert gone.empty_roles == ("csm",)


def test_the_role_admin_is_whoever_runs_keepwell() -> None:
    told = who_is_told(notice(account_owner_id=None, roles=("admin",)), HOLDERS, {ADA, BEN})
    assert (dict(told.members), told.empty_roles) == ({ADA: ("admin",)}, ())


def test_severities_are_ordered() -> None:
    assert [is_at_least(one, "high") for one in ("critical", "high", "medium", "low")] == [True, True, False, False]


@pytest.mark.requirement("A035")
def test_a_notice_says_who_what_since_when_by_when_and_where() -> None:
    told = ToldNotice(
        notice(
            happened_at=datetime(2026, 11, 27, 14, 30, tzinfo=UTC),
            respond_by=datetime(2026, 11, 27, 15, 30, tzinfo=UTC),
        ),
        roles=("ceo",),
        empty_roles=("cto",),
    )
    subject, text = subject_and_text([told], pages=PAGES, zone=ZONE)
    assert subject == "Critical: Harbour Lights – Health score below 20"
    assert text == (
        "Harbour Lights – Health score below 20\n"
        "\n"
        "The health score fell from 41 to 18 in 2 days; below 20 is an emergency.\n"
        "Since: Fri 27 Nov 2026, 15:30 (Europe/Berlin)\n"
        "Please answer by: Fri 27 Nov 2026, 16:30 (Europe/Berlin)\n"
        "See: https://keepwell.example/alerts/12\n"
        "\n"
        "You are told as ceo.\n"
        "Nobody holds the role cto, so owners and admins are told. "
        "Name somebody with: keepwell notify role assign cto EMAIL\n"
    )


def test_several_notices_are_one_message_that_names_the_worst_first() -> None:
    told = [
        ToldNotice(notice(1, "Harbour Lights")),
        ToldNotice(notice(2, "Northwind", severity="high", title="No sign-in for 72 h", sentence="Nobody signed in.")),
        ToldNotice(notice(3, "Tailspin", severity="low")),
        ToldNotice(notice(4, "Harbour Lights", severity="low"), empty_roles=("csm",)),
    ]
    subject, text = subject_and_text(told, pages=PAGES, zone=ZONE)
    assert subject == "4 notices, 1 critical: Harbour Lights, Northwind and 1 more account"
    assert text.startswith(
        "4 notices came together, the most severe first.\n"
        "\n"
        "1. Critical: Harbour Lights – Health score below 20\n"
        "   The health score fell from 41 to 18 in 2 days; below 20 is an emergency.\n"
        "   See: https://keepwell.example/alerts/1\n"
        "\n"
        "2. High: Northwind – No sign-in for 72 h\n"
    )
    assert text.endswith("At least one of the accounts has no CSM, so owners and admins are told. Give it an owner.\n")


def test_a_storm_is_counted_where_it_is_too_long_to_list() -> None:
    told = [ToldNotice(notice(number, f"Account {number}", severity="high")) for number in range(1500)]
    subject, text = subject_and_text(told, pages=PAGES, zone=ZONE)
    assert subject == "1500 high notices: Account 0, Account 1 and 1498 more accounts"
    assert f"{MOST_LISTED}. High: Account {MOST_LISTED - 1}" in text
    assert "And 1,460 more, which are on the pages: https://keepwell.example/" in text
    assert len(text) < 20_000


def test_what_concerns_no_account_names_none() -> None:
    silent = notice(account="", title="Source app is silent", sentence="No events since 06:00.", severity="high")
    assert subject_and_text([ToldNotice(silent)], pages=PAGES, zone=ZONE)[0] == "High: Source app is silent"
    two = subject_and_text([ToldNotice(silent), ToldNotice(silent)], pages=PAGES, zone=ZONE)
    assert two[0] == "2 high notices"


@given(st.text(), st.text(), st.text())
def test_no_name_of_others_breaks_a_line_or_turns_it_round(account: str, title: str, sentence: str) -> None:
    told = ToldNotice(notice(account=account, title=title, sentence=sentence))
    subject, text = subject_and_text([told], pages=PAGES, zone=ZONE)
    assert len(subject.splitlines()) == 1
    assert len(subject) <= 180
    assert len(text.splitlines()) == 4
    assert not {"\u202e", "\u2066", "\x1b", "\x00"} & set(text)
    text.encode()


def test_one_line_keeps_what_belongs_to_a_name() -> None:
    family = "Zoë & 東京 👩\u200d👩\u200d👧"
    assert one_line(f"  {family}\r\nBcc: x \x85 y ") == f"{family} Bcc: x y"
    assert one_line("a" * 50, 10) == "aaaaaaaaa…"
