"""Deadlines in business time: opening hours on working days of a zone, without weekends and holidays.

A day is half open: it begins at 00:00 on the wall and ends before the next 00:00. Opening hours are half open too, so
what begins at closing time begins on the next working day.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from keepwell.base.errors import or_nearest
from keepwell.base.wall_time import instant_of, local_time, parse_wall_time, read_zone

if TYPE_CHECKING:
    from holidays import HolidayBase

MORNING: Final = time(9)
EVENING: Final = time(17)
SATURDAY_AND_SUNDAY: Final = frozenset({5, 6})
_DAY: Final = timedelta(days=1)
_HOURS: Final = "opening hours that begin before they end, such as 09:00-17:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When a team works; refuses what cannot be with a ValueError that says what was expected.

    `country` is a code such as DE, or DE-BY with a subdivision. `holidays` come on top of those of the country.
    `weekend` holds days from 0 for Monday to 6 for Sunday; None for the country's, or else Saturday and Sunday.
    A closing time of 00:00 is the end of the day.
    """

    zone: str = "UTC"
    country: str = ""
    holidays: frozenset[date] = frozenset()
    weekend: frozenset[int] | None = None
    opens: time = MORNING
    closes: time = EVENING

    def __post_init__(self) -> None:
        read_zone(self.zone)
        read_country(self.country)
        if self.weekend is not None and not self.weekend < set(range(7)):
            raise ValueError("days of the week from 0 for Monday to 6 for Sunday, and not all seven")
        if self.closes != time.min and self.opens >= self.closes:
            raise ValueError(_HOURS)

    @property
    def place(self) -> ZoneInfo:
        """The zone itself."""
        return read_zone(self.zone)

    def is_working_day(self, day: date) -> bool:
        """Whether the team works on a day; a weekend day that a country declares a working day counts as one."""
        if day in self.holidays:
            return False
        country = _holidays_of(self.country, day.year) if self.country else None
        if self.weekend is not None:
            return day.weekday() not in self.weekend and (country is None or day not in country)
        if country is not None:
            return country.is_working_day(day)
        return day.weekday() not in SATURDAY_AND_SUNDAY

    def warning(self, since: datetime, until: datetime) -> str:
        """A sentence if the holidays of a year between two instants are not known; nothing if all are."""
        known = self._known_years()
        if known is None:
            return ""
        first, last = (local_time(at, self.place).year for at in (since, until))
        unknown = [year for year in range(first, last + 1) if year not in known]
        if not unknown:
            return ""
        source = f"of {self.country} " if self.country else ""
        years = " and ".join(str(year) for year in dict.fromkeys((unknown[0], unknown[-1])))
        return (
            f"The holidays {source}are known from {known[0]} to {known[-1]}, not for {years}: there only weekends "
            "count as free. Update Keepwell, or name the holidays yourself."
        )

    def _known_years(self) -> range | None:
        if self.country:
            country = _holidays_of(self.country, date.max.year)
            return range(country.start_year, country.end_year + 1)
        years = {day.year for day in self.holidays}
        return range(min(years), max(years) + 1) if years else None


@dataclass(frozen=True, slots=True)
class Deadline:
    """`warning` is empty, or a sentence that says why the instant may be wrong."""

    due_at: datetime
    warning: str = ""


def next_business_day(now: datetime, calendar: Calendar, at: time = MORNING, days: int = 1) -> Deadline:
    """The wall time `at` on the first working day after the local day of `now`, or on the `days`-th.

    Always later than `now`. A day that a zone skips is no working day, nor is one whose `at` falls into a gap that
    lasts beyond midnight.
    """
    due_at = next(islice(_later(now, calendar, at, _days_from(_local_day(now, calendar) + _DAY)), days - 1, None))
    return Deadline(due_at, calendar.warning(now, due_at))


def next_working_time(now: datetime, calendar: Calendar, at: time, *, is_weekly: bool = False) -> datetime:
    """The wall time `at` later than `now` on a working day, today's included, or on the first working day of a week.

    A week begins on Monday.
    """
    today = _local_day(now, calendar)
    if not is_weekly:
        return next(_later(now, calendar, at, _days_from(today)))
    monday = today - today.weekday() * _DAY
    weeks = ([week + number * _DAY for number in range(7)] for week in islice(_days_from(monday), 0, None, 7))
    first = (day for week in weeks for day in [day for day in week if calendar.is_working_day(day)][:1])
    return next(_later(now, calendar, at, first))


def after_business_hours(now: datetime, calendar: Calendar, length: timedelta) -> Deadline:
    """The instant at which the team has been open for so long since `now`; no length asks for the next open instant."""
    spans = _open_spans(now, calendar)
    begin, end = next(spans)
    left = length
    while left > end - begin:
        left -= end - begin
        begin, end = next(spans)
    return Deadline(begin + left, calendar.warning(now, begin))


def elapsed(now: datetime, length: timedelta) -> Deadline:
    """So much time later, whatever clocks on walls do."""
    return Deadline(now.astimezone(UTC) + length)


def read_hours(text: str) -> tuple[time, time]:
    """Opening and closing time of '09:00-17:00'; a ValueError says what was expected. 24:00 is read as 00:00."""
    opens, dash, closes = text.partition("-")
    if not dash:
        raise ValueError(_HOURS)
    try:
        found = parse_wall_time(opens.strip()), parse_wall_time(closes.strip().replace("24:00", "00:00"))
    except ValueError:
        raise ValueError(_HOURS) from None
    if found[1] != time.min and found[0] >= found[1]:
        raise ValueError(_HOURS)
    return found


def read_country(code: str) -> str:
    """The code itself if its holidays are known; a ValueError says what was expected."""
    if not code:
        return code
    import holidays  # its tables take half a second to load; only who names a country waits for them

    known = holidays.list_supported_countries()
    country, dash, part = code.partition("-")
    if country not in known:
        raise ValueError(
            or_nearest("the code of a country such as DE, or DE-BY with its subdivision", country, [*known])
        )
    if dash and part not in known[country]:
        parts = ", ".join(known[country]) or "none"
        raise ValueError(f"{country} alone or with one of its subdivisions: {parts}")
    return code


# One object per year: one that grows while several threads ask it would answer before a year is filled.
@lru_cache(maxsize=1024)
def _holidays_of(code: str, year: int) -> "HolidayBase":
    import holidays  # as above

    country, _, part = code.partition("-")
    return holidays.country_holidays(country, subdiv=part or None, years=year, expand=False)


def _later(now: datetime, calendar: Calendar, at: time, days: Iterable[date]) -> Iterator[datetime]:
    """The instants of a wall time on those of the days that are working days, later than `now`."""
    for day in days:
        found = _on_day(day, at, calendar)
        if found is not None and found > now:
            yield found


def _on_day(day: date, at: time, calendar: Calendar) -> datetime | None:
    """The instant of a wall time on a working day; nothing on other days."""
    if not calendar.is_working_day(day):
        return None
    found = instant_of(datetime.combine(day, at), calendar.place)
    return found if _local_day(found, calendar) == day else None


def _open_spans(now: datetime, calendar: Calendar) -> Iterator[tuple[datetime, datetime]]:
    """What is left of the opening hours from an instant on, half open."""
    # The day before may still be open where a clock is put back over midnight.
    for day in _days_from(_local_day(now, calendar) - _DAY):
        closing_day = day if calendar.closes != time.min else day + _DAY
        begin = max(now.astimezone(UTC), instant_of(datetime.combine(day, calendar.opens), calendar.place))
        end = instant_of(datetime.combine(closing_day, calendar.closes), calendar.place)
        if begin < end and calendar.is_working_day(day):
            yield begin, end


def _local_day(at: datetime, calendar: Calendar) -> date:
    return local_time(at, calendar.place).date()


def _days_from(day: date) -> Iterator[date]:
    while True:
        yield day
        day += _DAY
