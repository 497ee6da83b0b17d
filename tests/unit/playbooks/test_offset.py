"""When a step is due: the forms of offsets, and what becomes of them over changes of the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.base.business_time import Calendar
from keepwell.playbooks.offset import read_offset

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")
TEXTS = ("0m", "4h", "3d", "2 business hours", "1 business day", "2 business days at 14:00", "day 0", "day 3 at 09:00")


def local(text: str, offset: str, zone: str, country: str = "") -> str:
    """The local time at which a step is due after an enrolment at a time in UTC."""
    started_at = datetime.fromisoformat(text).replace(tzinfo=UTC)
    due_at = read_offset(offset).due_at(started_at, Calendar(zone=zone, country=country))
    assert due_at.tzinfo is UTC
    return f"{due_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %z}"


@pytest.mark.parametrize(
    ("started", "zone", "offset", "due"),
    [
        ("2026-03-06 22:00", "America/New_York", "next_business_day", "2026-03-09 09:00 -0400"),
        ("2026-03-27 15:00", "Europe/Berlin", "1 business day at 09:00", "2026-03-30 09:00 +0200"),
        ("2026-10-23 15:00", "Europe/Berlin", "1 business day", "2026-10-26 09:00 +0100"),
        ("2026-05-13 20:00", "Asia/Kathmandu", "day 1 at 09:00", "2026-05-15 09:00 +0545"),
        ("2026-10-02 05:00", "Australia/Lord_Howe", "1 business day", "2026-10-05 09:00 +1100"),
        ("2026-06-07 11:00", "Pacific/Kiritimati", "1 business day", "2026-06-09 09:00 +1400"),
        ("2026-04-23 12:00", "Africa/Cairo", "day 1 at 00:30", "2026-04-24 01:00 +0300"),
        ("2026-03-07 15:00", "America/New_York", "day 1 at 02:30", "2026-03-08 03:00 -0400"),
        ("2026-10-31 15:00", "America/New_York", "day 1 at 01:30", "2026-11-01 01:30 -0400"),
        ("2028-02-28 12:00", "Asia/Tokyo", "day 1 at 09:00", "2028-02-29 09:00 +0900"),
    ],
)
@pytest.mark.requirement("X23")
def test_a_time_of_day_is_that_of_the_clock_on_the_wall(started: str, zone: str, offset: str, due: str) -> None:
    assert local(started, offset, zone) == due


def test_holidays_and_other_weekends_are_no_working_days() -> None:
    assert local("2026-08-28 16:00", "1 business day", "Europe/London", "GB-ENG") == "2026-09-01 09:00 +0100"
    assert local("2026-06-04 12:00", "1 business day", "Asia/Riyadh", "SA") == "2026-06-07 09:00 +0300"


def test_elapsed_time_does_not_look_at_the_wall() -> None:
    assert local("2026-03-07 17:00", "72h", "America/New_York") == "2026-03-10 13:00 -0400"
    assert local("2026-03-07 17:00", "day 3", "America/New_York") == "2026-03-10 12:00 -0400"


def test_business_hours_pass_only_while_the_team_works() -> None:
    assert local("2026-06-05 14:30", "4 business hours", "Europe/Berlin") == "2026-06-08 12:30 +0200"


def test_a_time_of_the_first_day_that_is_over_means_at_once() -> None:
    assert local("2026-06-01 12:00", "day 0 at 09:00", "UTC") == "2026-06-01 12:00 +0000"
    assert local("2026-06-01 08:00", "day 0 at 09:00", "UTC") == "2026-06-01 09:00 +0000"


@pytest.mark.parametrize("text", TEXTS)
def test_words_are_as_written(text: str) -> None:
    assert read_offset(text).words == text


@pytest.mark.parametrize(
    "text", ["", "1", "4 hours", "day", "day 3 at 9", "0 business days", "1 business day at 25:00"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"period|time of day"):
        read_offset(text)


@given(
    st.integers(0, 5 * 366 * 24 * 60).map(lambda minute: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)),
    st.sampled_from(ZONES),
    st.sampled_from(TEXTS),
    st.integers(0, 5 * 24 * 60),
)
def test_no_step_is_due_before_the_enrolment_and_a_later_enrolment_is_due_no_earlier(
    started_at: datetime, zone: str, text: str, minutes: int
) -> None:
    offset, calendar = read_offset(text), Calendar(zone=zone)
    due_at = offset.due_at(started_at, calendar)
    assert due_at >= started_at
    later = offset.due_at(started_at + timedelta(minutes=minutes), calendar)
    # A clock that is put back repeats times of day: what keeps to the clock may then be due an hour earlier.
    assert later >= due_at - (timedelta(hours=1) if text == "day 0" else timedelta(0))
