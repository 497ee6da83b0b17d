"""What comes first: revenue at risk × probability of losing it × what can still change."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

from keepwell.health.band import Tier
from keepwell.signals.rule import Shape

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
# What is assumed until a package says otherwise or a churn model has measured it.
ASSUMED: Final[Mapping[Tier, float]] = {"emergency": 0.5, "act": 0.3, "watch": 0.15, "stable": 0.05, "grow": 0.02}
CENT: Final = Decimal("0.01")


class PriorityRule(Shape):
    """`today.yaml`: the probability assumed for each tier, and what an open alert raises it to at least.

    `notice_given` is what can still change once notice was given, `settled` for a subscription that has ended;
    `far_renewal` is what can still wait: the share for a renewal more than `renewal_days` away.
    """

    probability: Mapping[Tier, Share] = ASSUMED
    critical_alert: Share = 0.5
    high_alert: Share = 0.3
    notice_given: Share = 0.5
    far_renewal: Share = 0.6
    renewal_days: Annotated[int, Field(ge=1, le=730, strict=True)] = 120


@dataclass(frozen=True, slots=True)
class AtStake:
    """One account as the order needs it. `tier` is None without a known score; `worst` is its worst open alert."""

    mrr: Decimal | None
    tier: Tier | None
    worst: str | None
    days_to_renewal: float | None
    is_notice_given: bool
    is_ended: bool


@dataclass(frozen=True, slots=True)
class Priority:
    """The three parts and their product: money a year that an act today may save. `arr` is None without an MRR."""

    arr: Decimal | None
    probability: float
    changeable: float

    @property
    def saving(self) -> Decimal | None:
        if self.arr is None:
            return None
        exact = self.arr * Decimal(str(self.probability)) * Decimal(str(self.changeable))
        return exact.quantize(CENT)


def priority(found: AtStake, rule: PriorityRule) -> Priority:
    """The probability is assumed by tier, not measured, and no lower than the worst open alert says.

    An unknown score counts as one to watch: not to know is no reason to wait.
    """
    assumed = {**ASSUMED, **rule.probability}
    probability = assumed[found.tier or "watch"]
    if found.worst == "critical":
        probability = max(probability, rule.critical_alert)
    elif found.worst == "high":
        probability = max(probability, rule.high_alert)
    return Priority(None if found.mrr is None else found.mrr * 12, probability, _changeable(found, rule))


def _changeable(found: AtStake, rule: PriorityRule) -> float:
    if found.is_ended:
        return 0.0
    if found.is_notice_given:
        return rule.notice_given
    if found.days_to_renewal is not None and found.days_to_renewal > rule.renewal_days:
        return rule.far_renewal
    return 1.0
