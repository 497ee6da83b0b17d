"""What sources of fields ask of an account, and what they are given: everything is read before a source is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from keepwell.facts.item_count import ItemCount, OpenItem
from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.kinds.open_items import OpenItems
from keepwell.metrics.metric import Metric


@dataclass(frozen=True, slots=True)
class ItemQuestion:
    """How often events named each value of the text property `by` in the last `days` days; with `amount`, the number
    property that is summed."""

    events: EventFilter
    by: str
    days: int
    amount: str = ""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What the metric counts, with the number property `amount` of each."""

    metric: OpenItems
    amount: str


@dataclass(frozen=True, slots=True)
class PeerQuestion:
    """Metrics of other accounts on the same plan, or on the one above."""

    metrics: Mapping[str, Metric]
    is_plan_above: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """All that a source asks; names are its own. `told` asks which values any account told of.

    `score_days` asks for the lowest score of so many days.
    """

    metrics: Mapping[str, Metric] = field(default_factory=dict)
    items: Mapping[str, ItemQuestion] = field(default_factory=dict)
    told: ItemQuestion | None = None
    open_items: OpenQuestion | None = None
    peers: PeerQuestion | None = None
    score_days: int = 0

    def event_names(self) -> set[str]:
        """The events that it looks at."""
        questions = [*self.items.values(), *([self.told] if self.told is not None else [])]
        filters = [one.events for one in questions]
        metrics = [*self.metrics.values(), *(self.peers.metrics.values() if self.peers is not None else ())]
        metrics += [self.open_items.metric] if self.open_items is not None else []
        filters += [wanted for metric in metrics for wanted in metric.reads()]
        return {name for wanted in filters for name in wanted.events}


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """`plan` and `plan_above` are ids, "" where there is none; `mrr` is what a month costs in `currency`."""

    industry: str = ""
    plan: str = ""
    plan_title: str = ""
    plan_above: str = ""
    plan_above_title: str = ""
    currency: str = ""
    mrr: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """Another account; it has no name here, so that none can be told. `values` are the metrics that are known."""

    is_same_industry: bool
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ScoreFacts:
    """The score in points, and the lowest of the stretch that was asked for with its moment."""

    points: float
    lowest: float
    lowest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFacts:
    """The answers to an `Ask` at one account as of `now`; what is missing is left out. `zone` is the contact's."""

    now: datetime
    zone: ZoneInfo
    account: AccountFacts
    values: Mapping[str, float] = field(default_factory=dict)
    items: Mapping[str, Mapping[str, ItemCount]] = field(default_factory=dict)
    told: frozenset[str] = frozenset()
    open_items: Sequence[OpenItem] = ()
    peers: Sequence[Peer] = ()
    score: ScoreFacts | None = None
