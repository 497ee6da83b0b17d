"""Shapes that several resources share."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final

from ninja import P, PathEx, Schema
from pydantic import AfterValidator, AwareDatetime

LARGEST_ID: Final = 2**63 - 1
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


def _known_time(moment: datetime) -> datetime:
    """In UTC; far from the ends of the calendar, so that days can be added and taken away."""
    if not _FIRST <= moment < _LAST:
        raise ValueError("expected a time from 1970 to 9998")
    return moment.astimezone(UTC)


def _without_nul(text: str) -> str:
    """No text of a database holds one, so nothing can be found by it."""
    if "\0" in text:
        raise ValueError("expected a text without NUL")
    return text


Id = PathEx[int, P(le=LARGEST_ID)]
Moment = Annotated[AwareDatetime, AfterValidator(_known_time)]
Text = Annotated[str, AfterValidator(_without_nul)]


class Problem(Schema):
    """Why there is no other answer."""

    error: str


class NotFound(Schema):
    """The same answer for what does not exist and for what the member may not see."""

    error: str = "There is nothing here."


def points(nano: int | None) -> Decimal | None:
    """1e-9 points as exact points."""
    return None if nano is None else Decimal(nano).scaleb(-9)
