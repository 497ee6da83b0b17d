"""Shapes that several resources share."""

from decimal import Decimal

from ninja import Schema


class NotFound(Schema):
    """The same answer for what does not exist and for what the member may not see."""

    error: str = "There is nothing here."


def points(nano: int | None) -> Decimal | None:
    """1e-9 points as exact points."""
    return None if nano is None else Decimal(nano).scaleb(-9)
