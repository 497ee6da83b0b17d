"""Today: one ordered list of what comes first, with the numbers that the order rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Final

from keepwell.base.errors import BugError
from keepwell.facts.notice import SEVERITIES
from keepwell.signals.opportunity import URGENCIES
from keepwell.signals.priority import CENT, AtStake, Priority, PriorityRule, priority
from keepwell.store.models import Account, Alert, CurrentScore, Member, Milestone, Opportunity, OpportunitySign
from keepwell.store.read.alert import AlertFilter, access_alerts
from keepwell.store.read.health_model import ModelFace, access_models
from keepwell.store.read.milestone import MilestoneFilter, access_milestones
from keepwell.store.read.opportunity import OpportunityFilter, access_opportunities, signs_of
from keepwell.store.read.rule import Confidence, Tally, access_conversions, confidence_of

# The trait that says that notice was given.
ENDING: Final = "ending"
PLAIN: Final = PriorityRule()


@dataclass(frozen=True, slots=True)
class Risk:
    """An account with open alerts: the worst of them, and how many others there are.

    `nano_points` and `band` are its newest score's under the package's own model, None and "" where unknown.
    """

    account: Account
    alert: Alert
    others: int
    nano_points: int | None
    band: str
    priority: Priority


@dataclass(frozen=True, slots=True)
class Growth:
    """An opportunity by its leading sign, the one that is worth most. `expected` is money a year × confidence."""

    opportunity: Opportunity
    sign: OpportunitySign
    confidence: Confidence
    expected: Decimal | None


@dataclass(frozen=True, slots=True)
class Today:
    """Accounts at risk come first, then growth, then successes; `blocked` is growth that nobody should act on now.

    `mine` is the member whose accounts are meant, None for everybody's.
    """

    mine: Member | None
    risks: Sequence[Risk]
    growth: Sequence[Growth]
    blocked: Sequence[Growth]
    milestones: Sequence[Milestone]

    @property
    def is_empty(self) -> bool:
        return not (self.risks or self.growth or self.blocked or self.milestones)

    @property
    def currencies(self) -> Sequence[str]:
        """Those that the order compares; amounts of several are compared by number alone."""
        found = {risk.account.currency for risk in self.risks if risk.priority.arr is not None}
        return sorted(found | {one.opportunity.currency for one in self.growth if one.expected is not None})


def read_today(member: Member, mine: Member | None, *, now: datetime) -> Today:
    """What the member may see of it."""
    growth = read_growth(member, OpportunityFilter(mine=mine), now=now)
    milestones = access_milestones(member, MilestoneFilter(mine=mine))
    return Today(
        mine,
        _risks(member, mine, now),
        [one for one in growth if not one.opportunity.blocked_because],
        [one for one in growth if one.opportunity.blocked_because],
        sorted(milestones, key=lambda one: bool(one.unwise_because)),
    )


def default_mine(member: Member) -> Member | None:
    """A CSM who owns accounts begins with those; everybody else with everything."""
    return member if member.role == "csm" and Account.objects.filter(owner=member.pk).exists() else None


def read_growth(member: Member, wanted: OpportunityFilter, *, now: datetime) -> list[Growth]:
    """Opportunities by what is to be expected of them, those without a value last, by urgency."""
    conversions = access_conversions(member, now=now)
    found = [growth_of(one, conversions) for one in access_opportunities(member, wanted)]
    return sorted(found, key=_growth_order)


def growth_of(opportunity: Opportunity, conversions: Mapping[tuple[str, str], Tally]) -> Growth:
    signs = signs_of(opportunity)
    if not signs:
        raise BugError(f"opportunity {opportunity.pk} has no sign")
    sign = signs[0]
    confidence = confidence_of(sign, conversions.get((opportunity.package, sign.rule)))
    yearly = opportunity.yearly
    expected = None if yearly is None else (yearly * Decimal(str(confidence.share))).quantize(CENT)
    return Growth(opportunity, sign, confidence, expected)


def _risks(member: Member, mine: Member | None, now: datetime) -> list[Risk]:
    faces = {face.model.partition("/")[0]: face for face in access_models(member) if face.signals is not None}
    alerts = [one for one in access_alerts(member, AlertFilter(mine=mine), now=now) if one.account is not None]
    scores = _scores(alerts, faces)
    by_account = groupby(sorted(alerts, key=lambda one: one.account_id or 0), lambda one: one.account_id)
    found = [_risk(list(group), faces, scores, now.date()) for _, group in by_account]
    return sorted(found, key=_risk_order)


def _risk(
    alerts: Sequence[Alert], faces: Mapping[str, ModelFace], scores: Mapping[tuple[str, int], CurrentScore], today: date
) -> Risk:
    """The alerts of one account, the worst first."""
    alert = alerts[0]
    account = alert.account
    if account is None:
        raise BugError(f"alert {alert.pk} is of no account")
    face = faces.get(alert.package)
    score = scores.get((face.model, account.pk)) if face is not None else None
    band = face.band(score.band) if face is not None and score is not None else None
    stake = AtStake(
        mrr=account.mrr,
        tier=band.tier if band is not None else None,
        worst=alert.severity,
        days_to_renewal=None if account.renewal_on is None else (account.renewal_on - today).days,
        is_notice_given=account.traits.get(ENDING) is True,
        is_ended=account.churned_on is not None,
    )
    rule = face.signals.priority if face is not None and face.signals is not None else PLAIN
    return Risk(
        account,
        alert,
        len(alerts) - 1,
        score.nano_points if score is not None else None,
        score.band if score is not None else "",
        priority(stake, rule),
    )


def _scores(alerts: Sequence[Alert], faces: Mapping[str, ModelFace]) -> dict[tuple[str, int], CurrentScore]:
    models = {faces[alert.package].model for alert in alerts if alert.package in faces}
    accounts = {alert.account_id for alert in alerts}
    rows = CurrentScore.objects.filter(model__in=models)
    return {(row.model, row.account_id): row for row in rows.iterator(2000) if row.account_id in accounts}


def _risk_order(risk: Risk) -> tuple[bool, Decimal, int, int, int]:
    """By what an act today may save; those without an MRR after that, by severity and score."""
    saving = risk.priority.saving
    unknown = 101 * 10**9
    severity = SEVERITIES.index(risk.alert.severity) if risk.alert.severity in SEVERITIES else len(SEVERITIES)
    score = unknown if risk.nano_points is None else risk.nano_points
    return saving is None, -(saving or Decimal(0)), severity, score, risk.account.pk


def _growth_order(one: Growth) -> tuple[bool, Decimal, int, int]:
    urgency = URGENCIES.index(one.opportunity.urgency) if one.opportunity.urgency in URGENCIES else len(URGENCIES)
    return one.expected is None, -(one.expected or Decimal(0)), urgency, one.opportunity.pk
