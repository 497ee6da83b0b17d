"""How often the rules were right: counts of what became of the signals that closed, never a share without them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, F

from keepwell.signals.book import Noun
from keepwell.signals.rule import Rule
from keepwell.store.models import Member, OpportunitySign
from keepwell.store.read.alert import visible_alerts
from keepwell.store.read.health_model import access_models
from keepwell.store.read.milestone import visible_milestones
from keepwell.store.read.opportunity import CLOSED, visible_opportunities

ALERT_WINDOW: Final = timedelta(days=90)
# Selling takes longer than mending.
OPPORTUNITY_WINDOW: Final = timedelta(days=365)
# Below this many closed signals a share says nothing.
ENOUGH_TO_TELL: Final = 5
# From this many on the measured conversion stands in for the assumed confidence.
ENOUGH_TO_TRUST: Final = 20


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the signals of a rule that closed in a window, by reason or stage."""

    window: timedelta
    closed: Mapping[str, int] = field(default_factory=dict)

    def _share(self, good: str, of: tuple[str, ...]) -> tuple[float | None, int]:
        n = sum(self.closed.get(reason, 0) for reason in of)
        return (self.closed.get(good, 0) / n if n >= ENOUGH_TO_TELL else None), n

    @property
    def precision(self) -> tuple[float | None, int]:
        """Acted on, of those that were acted on or false alarms; None where they are too few to tell."""
        return self._share("acted", ("acted", "false_alarm"))

    @property
    def conversion(self) -> tuple[float | None, int]:
        """Won, of those won, lost or lapsed; None where they are too few to tell."""
        return self._share("won", CLOSED)

    @property
    def false_discovery_rate(self) -> float | None:
        """The share of signals that did not convert, sometimes called false positive rate, which is another thing."""
        share, _ = self.conversion
        return None if share is None else 1 - share


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule of the newest version of a package, how many signals of it are open, and what became of the others."""

    package: str
    noun: Noun
    name: str
    rule: Rule
    open: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class Confidence:
    """How probable it is that an opportunity is won; `n` closed ones stand behind it, or it is assumed."""

    share: float
    n: int

    @property
    def is_assumed(self) -> bool:
        return self.n < ENOUGH_TO_TRUST


def access_rules(member: Member, *, now: datetime) -> list[RuleRow]:
    """Every rule in force, in the order of its package's files."""
    alerts, conversions = access_alert_tallies(member, now=now), access_conversions(member, now=now)
    counts = _open_counts(member)
    found = []
    for model in access_models(member):
        package = model.model.partition("/")[0]
        for noun, name, rule in model.signals.rules() if model.signals else ():
            tallies = {"alert": alerts, "opportunity": conversions}.get(noun, {})
            tally = tallies.get((package, name), Tally(ALERT_WINDOW if noun == "alert" else OPPORTUNITY_WINDOW))
            found.append(RuleRow(package, noun, name, rule, counts[noun, package, name], tally))
    return found


def access_alert_tallies(member: Member, *, now: datetime) -> dict[tuple[str, str], Tally]:
    """By package and rule, what became of the alerts that closed in the last 90 days."""
    rows = visible_alerts(member).filter(closed_at__gt=now - ALERT_WINDOW, closed_at__lte=now)
    counted = rows.values_list("package", "rule", "close_reason").annotate(count=Count("pk"))
    return _tallies(counted, ALERT_WINDOW)


def access_conversions(member: Member, *, now: datetime) -> dict[tuple[str, str], Tally]:
    """By package and rule, what became of the opportunities that it spoke for and that closed in the last year."""
    over = visible_opportunities(member).filter(closed_at__gt=now - OPPORTUNITY_WINDOW, closed_at__lte=now)
    signs = OpportunitySign.objects.filter(opportunity__in=over)
    counted = signs.values_list("opportunity__package", "rule", "opportunity__stage").annotate(
        count=Count("opportunity", distinct=True)
    )
    return _tallies(counted, OPPORTUNITY_WINDOW)


def confidence_of(sign: OpportunitySign, tally: Tally | None) -> Confidence:
    """The measured conversion of the sign's rule where enough closed, else what the rule assumes."""
    share, n = tally.conversion if tally is not None else (None, 0)
    return Confidence(sign.confidence if share is None or n < ENOUGH_TO_TRUST else share, n)


def _tallies(counted: Iterable[tuple[str, str, str, int]], window: timedelta) -> dict[tuple[str, str], Tally]:
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for package, rule, outcome, count in counted:
        found[package, rule][outcome] = count
    return {place: Tally(window, closed) for place, closed in found.items()}


def _open_counts(member: Member) -> Counter[tuple[str, str, str]]:
    """By noun, package and rule; a milestone is open until it is celebrated or passed over."""
    found: Counter[tuple[str, str, str]] = Counter()
    signs = OpportunitySign.objects.filter(opportunity__in=visible_opportunities(member), closed_at=None)
    rows = {
        "alert": visible_alerts(member).filter(closed_at=None).annotate(owning=F("package")),
        "opportunity": signs.annotate(owning=F("opportunity__package")),
        "milestone": visible_milestones(member).filter(state="new").annotate(owning=F("package")),
    }
    for noun, these in rows.items():
        for package, rule, count in these.values_list("owning", "rule").annotate(count=Count("pk")):
            found[noun, package, rule] = count
    return found
