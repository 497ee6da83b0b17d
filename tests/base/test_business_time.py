"""Business time: the asked time on the wall, on a working day, through every odd clock that the database knows."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.base.business_time import (
    Calendar,
    after_business_hours,
    elapsed,
    next_business_day,
    read_hours,
)
from keepwell.base.wall_time import instant_of, local_time, read_zone

NO_WEEKEND: frozenset[int] = frozenset()
BERLIN = Calendar(zone="Europe/Berlin", country="DE-BE")
HOUR = timedelta(hours=1)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def utc(text: str) -> datetime:
    return wall(text).replace(tzinfo=UTC)


@pytest.mark.requirement("A038", "X23")
@pytest.mark.parametrize(
    ("now", "calendar", "at", "expected"),
    [
        pytest.param("2026-03-06 22:00", Calendar(zone="America/New_York"), "09:00", "2026-03-09 13:00", id="T1"),
        pytest.param("2026-03-27 15:00", Calendar(zone="Europe/Berlin"), "09:00", "2026-03-30 07:00", id="T2"),
        pytest.param("2026-10-23 15:00", Calendar(zone="Europe/Berlin"), "09:00", "2026-10-26 08:00", id="T3"),
        pytest.param(
            "2026-08-28 16:00", Calendar(zone="Europe/London", country="GB-ENG"), "09:00", "2026-09-01 08:00", id="T4"
        ),
        pytest.param("2026-05-13 20:00", Calendar(zone="Asia/Kathmandu"), "09:00", "2026-05-15 03:15", id="T5"),
        pytest.param("2026-10-02 05:00", Calendar(zone="Australia/Lord_Howe"), "09:00", "2026-10-04 22:00", id="T6"),
        pytest.param(
            "2026-06-04 12:00", Calendar(zone="Asia/Riyadh", country="SA"), "09:00", "2026-06-07 06:00", id="T7"
        ),
        pytest.param("2011-12-29 20:00", Calendar(zone="Pacific/Apia"), "09:00", "2012-01-01 19:00", id="T8"),
        pytest.param("2026-06-07 11:00", Calendar(zone="Pacific/Kiritimati"), "09:00", "2026-06-08 19:00", id="T9"),
        pytest.param("2026-06-08 05:00", Calendar(zone="Pacific/Pago_Pago"), "09:00", "2026-06-08 20:00", id="T10"),
        pytest.param("2026-04-23 12:00", Calendar(zone="Africa/Cairo"), "00:30", "2026-04-23 22:00", id="T11"),
        pytest.param(
            "2026-03-07 15:00",
            Calendar(zone="America/New_York", weekend=NO_WEEKEND),
            "02:30",
            "2026-03-08 07:00",
            id="T12",
        ),
        pytest.param(
            "2026-10-31 15:00",
            Calendar(zone="America/New_York", weekend=NO_WEEKEND),
            "01:30",
            "2026-11-01 05:30",
            id="T13",
        ),
        pytest.param("2028-02-28 12:00", Calendar(zone="Asia/Tokyo"), "09:00", "2028-02-29 00:00", id="T14"),
    ],
)
def test_the_next_business_day_is_that_of_the_clock_on_the_wall(
    now: str, calendar: Calendar, at: str, expected: str
) -> None:
    found = next_business_day(utc(now), calendar, time.fromisoformat(at))
    assert found.due_at == utc(expected)
    assert found.due_at.tzinfo is UTC
    assert found.warning == ""


@pytest.mark.requirement("X23")
def test_72_hours_are_elapsed_time() -> None:
    new_york = ZoneInfo("America/New_York")
    start = instant_of(wall("2026-03-07 12:00"), new_york)
    assert local_time(elapsed(start, 72 * HOUR).due_at, new_york) == wall("2026-03-10 13:00")
    assert instant_of(wall("2026-03-10 12:00"), new_york) - start == 71 * HOUR


ZONES = st.sampled_from(sorted(available_timezones()))
DAYS = st.dates(date(1900, 1, 1), date(2090, 12, 31))
MOMENTS = st.datetimes(wall("1900-01-01"), wall("2090-12-31"), timezones=st.just(UTC))
CLOCKS = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    opens, closes = sorted(draw(st.sets(CLOCKS, min_size=2, max_size=2)))
    return Calendar(
        zone=draw(ZONES),
        holidays=draw(st.frozensets(DAYS, max_size=8)),
        weekend=draw(st.frozensets(st.integers(0, 6), max_size=6)),
        opens=opens,
        closes=draw(st.sampled_from([closes, time.min])),
    )


@st.composite
def near_a_change(draw: st.DrawFn) -> tuple[Calendar, datetime, time]:
    """A moment up to three days before the clock of a zone changes, holidays right behind it, and an asked time."""
    calendar, now = draw(calendars()), draw(MOMENTS)
    place = calendar.place
    for _ in range(400):
        if now.astimezone(place).utcoffset() != (now + timedelta(days=1)).astimezone(place).utcoffset():
            break
        now += timedelta(days=1)
    now += draw(st.timedeltas(timedelta(days=-2), timedelta(days=1)))
    behind = {local_time(now, place).date() + timedelta(days=days) for days in draw(st.sets(st.integers(1, 5)))}
    return replace(calendar, holidays=frozenset(behind)), now, draw(CLOCKS)


@pytest.mark.requirement("A038", "X23")
@settings(max_examples=1000)
@given(near_a_change() | st.tuples(calendars(), MOMENTS, CLOCKS))
def test_a_business_day_is_later_at_the_asked_time_and_the_same_however_often_one_asks(
    asked: tuple[Calendar, datetime, time],
) -> None:
    calendar, now, at = asked
    place = calendar.place
    due_at = next_business_day(now, calendar, at).due_at
    local = local_time(due_at, place)
    assert due_at > now
    assert local.weekday() not in (calendar.weekend or ())
    assert local.date() not in calendar.holidays
    if local.time() != at:
        assert local.time() > at
        assert local_time(due_at - timedelta(microseconds=1), place) < datetime.combine(local.date(), at)
    else:
        assert due_at == local.replace(tzinfo=place, fold=0).astimezone(UTC)
    midnight = instant_of(datetime.combine(local_time(now, place).date(), time.min), place)
    assert next_business_day(max(midnight, now - HOUR), calendar, at).due_at == due_at
    assert after_business_hours(due_at, calendar, timedelta()).due_at >= due_at


@given(calendars(), MOMENTS, st.integers(0, 6000).map(lambda minutes: timedelta(minutes=minutes)))
def test_business_hours_pass_only_while_the_team_is_open(calendar: Calendar, now: datetime, length: timedelta) -> None:
    due_at = after_business_hours(now, calendar, length).due_at
    opening = after_business_hours(now, calendar, timedelta()).due_at
    assert now <= opening <= due_at
    assert due_at - opening >= length
    assert after_business_hours(opening, calendar, timedelta()).due_at == opening
    half = length // 2
    middle = after_business_hours(now, calendar, half).due_at
    assert after_business_hours(middle, calendar, length - half).due_at == due_at
    assert after_business_hours(now, calendar, length + HOUR).due_at >= due_at + HOUR


@pytest.mark.parametrize(
    ("now", "hours", "expected"),
    [
        pytest.param("2026-11-25 09:00", 2, "2026-11-25 11:00", id="in the middle of a day"),
        pytest.param("2026-11-25 14:00", 2, "2026-11-25 16:00", id="to closing time"),
        pytest.param("2026-11-25 15:30", 2, "2026-11-26 09:30", id="over a night"),
        pytest.param("2026-11-25 16:00", 2, "2026-11-26 10:00", id="from closing time: the next day"),
        pytest.param("2026-11-27 15:00", 2, "2026-11-30 09:00", id="over a weekend"),
        pytest.param("2026-12-24 15:00", 2, "2026-12-28 09:00", id="over Christmas and a weekend"),
        pytest.param("2026-11-25 02:00", 2, "2026-11-25 10:00", id="before opening"),
        pytest.param("2026-11-25 09:00", 20, "2026-11-27 13:00", id="over two nights"),
    ],
)
@pytest.mark.requirement("X23")
def test_business_hours_in_berlin(now: str, hours: int, expected: str) -> None:
    assert after_business_hours(utc(now), BERLIN, hours * HOUR).due_at == utc(expected)


def test_a_team_that_never_closes_is_open_through_a_change_of_clocks() -> None:
    always = Calendar(zone="Europe/Berlin", weekend=NO_WEEKEND, opens=time(0), closes=time(0))
    start = utc("2026-03-28 12:00")
    assert after_business_hours(start, always, 48 * HOUR).due_at == start + 48 * HOUR


def test_holidays_differ_by_subdivision() -> None:
    corpus_christi = date(2026, 6, 4)
    assert not Calendar(country="DE-BY").is_working_day(corpus_christi)
    assert Calendar(country="DE-BE").is_working_day(corpus_christi)


def test_the_weekend_is_that_of_the_country_unless_said_otherwise() -> None:
    friday, sunday = date(2026, 6, 5), date(2026, 6, 7)
    assert [Calendar(country="SA").is_working_day(day) for day in (friday, sunday)] == [False, True]
    western = Calendar(country="SA", weekend=frozenset({5, 6}))
    assert [western.is_working_day(day) for day in (friday, sunday)] == [True, False]


def test_a_weekend_day_that_is_worked_instead_of_a_bridge_day_counts() -> None:
    assert Calendar(country="CN").is_working_day(date(2026, 2, 14))


def test_our_own_holidays_come_on_top() -> None:
    eve = Calendar(country="DE", holidays=frozenset({date(2026, 12, 24)}))
    assert next_business_day(utc("2026-12-23 12:00"), eve).due_at == utc("2026-12-28 09:00")


@pytest.mark.requirement("X23")
def test_years_whose_holidays_are_not_known_are_told() -> None:
    lanka = Calendar(zone="Asia/Colombo", country="LK")
    assert next_business_day(utc("2026-12-29 10:00"), lanka).warning == ""
    told = next_business_day(utc("2026-12-31 10:00"), lanka)
    assert told.due_at == utc("2027-01-01 03:30")
    assert told.warning == (
        "The holidays of LK are known from 2003 to 2026, not for 2027: there only weekends count as free. "
        "Update Keepwell, or name the holidays yourself."
    )
    assert "for 2028" in after_business_hours(utc("2028-01-01 10:00"), lanka, HOUR).warning
    own = Calendar(holidays=frozenset({date(2025, 12, 25), date(2026, 12, 25)}))
    assert "from 2025 to 2026, not for 2027" in next_business_day(utc("2027-02-01 10:00"), own).warning
    assert next_business_day(utc("2027-02-01 10:00"), Calendar()).warning == ""


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"zone": "Europe/Berln"}, r"a time zone such as Europe/Berlin or UTC\. Did you mean 'Europe/Berlin'\?"),
        ({"zone": "../etc"}, "the name of a time zone"),
        ({"country": "XX"}, "the code of a country such as DE, or DE-BY"),
        ({"country": "DE-ZZ"}, "DE alone or with one of its subdivisions: BB, BE, BW"),
        ({"country": "DE-"}, "DE alone or with one of its subdivisions"),
        ({"weekend": frozenset(range(7))}, "not all seven"),
        ({"weekend": frozenset({7})}, "from 0 for Monday to 6 for Sunday"),
        ({"opens": time(17), "closes": time(9)}, "opening hours that begin before they end"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(parts: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Calendar(**parts)  # type: ignore[arg-type]


def test_every_zone_of_the_database_has_a_monday_at_nine() -> None:
    for zone in available_timezones():
        assert read_zone(zone).key == zone
        due_at = next_business_day(utc("2026-03-27 15:00"), Calendar(zone=zone)).due_at
        assert local_time(due_at, read_zone(zone)) == wall("2026-03-30 09:00")


@pytest.mark.parametrize("text", ["", "9-17", "09:00", "17:00-09:00", "09:00-09:00", "09:00-25:00", "24:00-09:00"])
def test_opening_hours_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 09:00-17:00"):
        read_hours(text)
