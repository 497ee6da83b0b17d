"""What differs between the two simulated companies: features, plans and the rhythm of the week."""

from dataclasses import dataclass
from typing import Literal

PackageName = Literal["saas", "crypto"]


@dataclass(frozen=True, slots=True)
class Feature:
    name: str
    core: bool = False
    advanced: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`price` is a month's price of the plan and `seat_price` that of a seat; `features` counts from the first one."""

    name: str
    price: float
    seat_price: float
    features: int
    has_api: bool
    share: float


@dataclass(frozen=True, slots=True)
class Flavour:
    """`weekend` is Saturday's activity against Monday's; `contacts` the mean number of contacts of a team."""

    features: tuple[Feature, ...]
    plans: tuple[Plan, ...]
    weekend: float
    contacts: float
    industries: tuple[str, ...]

    def advanced_in(self, features: int) -> int:
        return sum(feature.advanced for feature in self.features[:features])


_PLANS = (
    Plan("solo", 49, 0, 7, has_api=False, share=0.18),
    Plan("team", 90, 24, 11, has_api=False, share=0.37),
    Plan("business", 240, 32, 15, has_api=True, share=0.3),
    Plan("enterprise", 900, 40, 18, has_api=True, share=0.15),
)

_SAAS = Flavour(
    features=(
        Feature("projects", core=True),
        Feature("boards", core=True),
        Feature("comments", core=True),
        Feature("search"),
        Feature("reports", core=True),
        Feature("exports"),
        Feature("automations", advanced=True),
        Feature("templates"),
        Feature("dashboards"),
        Feature("timelines", advanced=True),
        Feature("forms"),
        Feature("custom_fields", advanced=True),
        Feature("approvals"),
        Feature("webhooks", advanced=True),
        Feature("roles"),
        Feature("forecasts", advanced=True),
        Feature("audit_log"),
        Feature("sandbox", advanced=True),
    ),
    plans=_PLANS,
    weekend=0.13,
    contacts=5.0,
    industries=("retail", "logistics", "health", "education", "finance", "media", "manufacturing", "software"),
)

_CRYPTO = Flavour(
    features=(
        Feature("wallet", core=True),
        Feature("transfer", core=True),
        Feature("swap", core=True),
        Feature("price_alerts"),
        Feature("portfolio", core=True),
        Feature("statements"),
        Feature("limit_orders", advanced=True),
        Feature("staking"),
        Feature("bridge"),
        Feature("farming", advanced=True),
        Feature("address_book"),
        Feature("mining_pool", advanced=True),
        Feature("approvals"),
        Feature("bots", advanced=True),
        Feature("roles"),
        Feature("risk_reports", advanced=True),
        Feature("audit_log"),
        Feature("prover_tuning", advanced=True),
    ),
    plans=_PLANS,
    weekend=0.55,
    contacts=2.3,
    industries=("trading", "mining", "payments", "games", "custody", "lending", "research", "exchange"),
)

FLAVOURS: dict[PackageName, Flavour] = {"saas": _SAAS, "crypto": _CRYPTO}
