"""What an opportunity may be worth: money with its period and basis, and the same for a year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from keepwell.signals.plan import PlanCatalogue

Per = Literal["month", "year", "once"]
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Value:
    """`amount` per `per`; `yearly` is the same brought to a year; `basis` says in words how it was worked out."""

    amount: Decimal
    currency: str
    per: Per
    basis: str

    @property
    def yearly(self) -> Decimal:
        return self.amount * 12 if self.per == "month" else self.amount


@dataclass(frozen=True, slots=True)
class Standing:
    """What the value of an opportunity is worked out from. `metrics` hold None where missing."""

    metrics: Mapping[str, float | None]
    plan: str
    seats: int | None
    mrr: Decimal | None
    currency: str
    catalogue: PlanCatalogue | None


class Worth(BaseModel):
    """One kind of value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str

    def value(self, standing: Standing) -> Value | None:
        """None where something that it needs is missing."""
        raise NotImplementedError

    def metric_ids(self) -> Sequence[str]:
        return ()

    def plan_ids(self) -> Sequence[str]:
        return ()


def money(amount: Decimal | float) -> Decimal:
    """To the cent and not below zero."""
    return max(Decimal(str(amount)), Decimal(0)).quantize(CENT)
