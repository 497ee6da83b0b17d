"""The time that a clock on a wall shows, and the instant it stands for.

Rule: a wall time in the gap of a clock that is put forward is the first instant after the gap; one in the hour that a
clock repeats is the first of the two.
"""

import re
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, PlainSerializer
from pydantic_core import PydanticCustomError

from keepwell.base.errors import or_nearest

_FORM = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_TICK = timedelta(microseconds=1)


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant in UTC of a wall time, which carries no zone."""
    wall = wall.replace(fold=0)
    early = wall.replace(tzinfo=zone).astimezone(UTC)
    if local_time(early, zone) == wall:
        return early
    # In a gap the two folds lie on both sides of it; the clock there only goes forward.
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), early
    while after - before > _TICK:
        middle = before + (after - before) // 2
        if local_time(middle, zone) < wall:
            before = middle
        else:
            after = middle
    return after


def local_time(at: datetime, zone: ZoneInfo) -> datetime:
    """What a clock in the zone shows at an instant, without the zone."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def read_zone(name: str) -> ZoneInfo:
    """A zone of the IANA database; a ValueError says what was expected."""
    known = _zones()
    if name not in known:
        raise ValueError(or_nearest("the name of a time zone such as Europe/Berlin or UTC", name, sorted(known)))
    return ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def parse_wall_time(text: str) -> time:
    """'09:00'; a ValueError says what was expected."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError("a time of day from '00:00' to '23:59', such as '09:00'")
    return time(int(match.group(1)), int(match.group(2)))


def format_wall_time(at: time) -> str:
    """The form `parse_wall_time` reads; seconds are not shown."""
    return f"{at:%H:%M}"


def _validate(value: object) -> time:
    if isinstance(value, time):
        return value
    try:
        return parse_wall_time(value if isinstance(value, str) else "")
    except ValueError as error:
        sentence = f"{value!r} is not {error}."
        raise PydanticCustomError("wall_time", "{sentence}", {"sentence": sentence}) from None


WallTime = Annotated[
    time, BeforeValidator(_validate, json_schema_input_type=str), PlainSerializer(format_wall_time, return_type=str)
]
