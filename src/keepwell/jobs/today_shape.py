"""Today, rules and response times as programs read them."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal

from keepwell.jobs.alert_shape import AlertShape, PublicShape, alert_shapes
from keepwell.jobs.growth_shape import MilestoneShape, OpportunityShape, milestone_shapes, opportunity_shapes
from keepwell.jobs.read_today import Today
from keepwell.signals.book import Noun
from keepwell.store.models import Member
from keepwell.store.read.response import ABOUT, TARGET, WINDOW, Clock, access_response_times
from keepwell.store.read.rule import ENOUGH_TO_TELL, RuleRow, Tally
from keepwell.store.read.segment import access_segments


class RiskShape(PublicShape):
    """`saving` = `arr` × `probability` × `changeable`: money a year that an act today may save; null without an MRR.

    The probability is assumed by the tier of the band and the severity of the worst alert, not measured.
    """

    alert: AlertShape
    other_alerts: int
    score: Decimal | None
    band: str | None
    currency: str
    arr: Decimal | None
    probability: float
    probability_is_assumed: bool
    changeable: float
    saving: Decimal | None


class TodayShape(PublicShape):
    """In the order to be handled: risks, opportunities, milestones. `blocked` is growth not to be offered now."""

    now: datetime
    mine: str | None
    risks: list[RiskShape]
    opportunities: list[OpportunityShape]
    blocked: list[OpportunityShape]
    milestones: list[MilestoneShape]


class RuleShape(PublicShape):
    """`precision` of alerts = acted / (acted + false_alarm); `conversion` of opportunities = won / all that closed.

    Both are null below 5 closed signals, which `n` counts; they and `closed` are over the last `window_days` days.
    `false_discovery_rate` = 1 - conversion; `false_positive_rate` is another name that it is known by.
    """

    package: str
    noun: Noun
    rule: str
    title: str
    about: str
    ours: bool
    open: int
    window_days: int
    closed: dict[str, int]
    n: int
    precision: float | None = None
    conversion: float | None = None
    false_discovery_rate: float | None = None
    false_positive_rate: float | None = None
    told: str


class ResponseShape(PublicShape):
    """Over alerts opened in the last `window_days` days: `n` stopped this clock, `running` did not (yet)."""

    clock: Clock
    about: str
    n: int
    running: int
    average_s: float | None
    median_s: float | None
    target_s: float | None
    window_days: int


class SegmentShape(PublicShape):
    """`accounts` were in it when they were last scored under the model."""

    model: str
    segment: str
    title: str
    about: str
    accounts: int


def today_shape(member: Member, today: Today, *, now: datetime) -> TodayShape:
    alerts = alert_shapes(member, [risk.alert for risk in today.risks], now=now)
    return TodayShape(
        now=now,
        mine=today.mine.email if today.mine else None,
        risks=[
            RiskShape(
                alert=alert,
                other_alerts=risk.others,
                score=None if risk.nano_points is None else Decimal(risk.nano_points).scaleb(-9),
                band=risk.band or None,
                currency=risk.account.currency,
                arr=risk.priority.arr,
                probability=risk.priority.probability,
                probability_is_assumed=True,
                changeable=risk.priority.changeable,
                saving=risk.priority.saving,
            )
            for risk, alert in zip(today.risks, alerts, strict=True)
        ],
        opportunities=opportunity_shapes(member, today.growth, now=now),
        blocked=opportunity_shapes(member, today.blocked, now=now),
        milestones=milestone_shapes(member, today.milestones),
    )


def rule_shape(row: RuleRow) -> RuleShape:
    precision, alerts = row.tally.precision
    conversion, opportunities = row.tally.conversion
    n = {"alert": alerts, "opportunity": opportunities}.get(row.noun, 0)
    return RuleShape(
        package=row.package,
        noun=row.noun,
        rule=row.name,
        title=row.rule.title,
        about=" ".join(row.rule.about.split()),
        ours=row.rule.ours,
        open=row.open,
        window_days=row.tally.window.days,
        closed=dict(row.tally.closed),
        n=n,
        precision=precision if row.noun == "alert" else None,
        conversion=conversion if row.noun == "opportunity" else None,
        false_discovery_rate=row.tally.false_discovery_rate if row.noun == "opportunity" else None,
        false_positive_rate=row.tally.false_discovery_rate if row.noun == "opportunity" else None,
        told=rule_told(row),
    )


def rule_told(row: RuleRow) -> str:
    return tally_told(row.noun, row.tally)


def tally_told(noun: Noun, tally: Tally) -> str:
    """The share in words with its n, or that they are too few; "" for milestones, which are neither right nor wrong."""
    if noun == "milestone":
        return ""
    share, n = tally.precision if noun == "alert" else tally.conversion
    judged = "judged" if noun == "alert" else "closed"
    if share is None:
        return f"too few to tell ({n} {judged} in {tally.window.days} days; it takes {ENOUGH_TO_TELL})"
    word = "were acted on" if noun == "alert" else "were won"
    return f"{share:.0%} {word} (of {n} in {tally.window.days} days)"


def segment_shapes(member: Member) -> list[SegmentShape]:
    return [SegmentShape(**asdict(row)) for row in access_segments(member)]


def response_shapes(member: Member, *, now: datetime) -> list[ResponseShape]:
    return [
        ResponseShape(
            clock=one.clock,
            about=ABOUT[one.clock],
            n=one.n,
            running=one.running,
            average_s=one.average.total_seconds() if one.average is not None else None,
            median_s=one.middle.total_seconds() if one.middle is not None else None,
            target_s=TARGET.total_seconds() if one.clock == "response" else None,
            window_days=WINDOW.days,
        )
        for one in access_response_times(member, now=now)
    ]
