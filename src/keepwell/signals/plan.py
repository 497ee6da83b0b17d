"""The plans that a company sells, as far as the value of an upgrade needs to know them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StrictStr

from keepwell.base.shape import Exact, Name
from keepwell.signals.rule import Shape

Currency = Annotated[str, Field(strict=True, pattern=r"^[A-Z]{3}$")]
Amount = Annotated[Exact, Field(ge=0, allow_inf_nan=False, max_digits=18, decimal_places=2)]


class Plan(Shape):
    """`price` in the catalogue's currency per `per`, for each seat where `is_per_seat`; `next` is the plan above."""

    title: StrictStr
    price: Amount
    per: Literal["month", "year"] = "month"
    is_per_seat: bool = Field(default=False, alias="per_seat")
    next: Name | None = None

    def yearly(self, seats: int) -> Decimal:
        """What it costs a year; a price per seat counts at least one."""
        times = 12 if self.per == "month" else 1
        return self.price * times * (max(seats, 1) if self.is_per_seat else 1)


class PlanCatalogue(Shape):
    """`plans.yaml`: plans by the id that events carry as `plan`; prices are examples until the owner writes theirs."""

    currency: Currency
    plans: Annotated[Mapping[Name, Plan], Field(min_length=1)]
