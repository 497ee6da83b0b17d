"""Opportunities and milestones as programs read them. Money is exact, as text, with its currency."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from keepwell.jobs.alert_shape import (
    AccountOfSignal,
    EventShape,
    NumberShape,
    PublicShape,
    account_of,
    event_shapes,
    number_shapes,
)
from keepwell.jobs.read_today import Growth
from keepwell.store.models import Account, Member, Milestone, OpportunitySign
from keepwell.store.read.evidence import access_faces, events_of, lines_of, sentence_of
from keepwell.store.read.health_model import ModelFace
from keepwell.store.read.opportunity import access_signs_at, signs_of
from keepwell.store.read.rule import Confidence, Tally, access_conversions, confidence_of


class ConfidenceShape(PublicShape):
    """`share` is measured over the `closed` opportunities of the rule in a year, or assumed while they are too few."""

    share: float
    is_assumed: bool
    closed: int


class SignShape(PublicShape):
    """One signal that speaks for growth; `amount` per `per` (month, year or once), `yearly` the same for a year."""

    rule: str
    type: str
    title: str
    urgency: str
    recommend: str
    action: str
    confidence: ConfidenceShape
    amount: Decimal | None
    currency: str
    per: str
    yearly: Decimal | None
    basis: str
    opened_at: datetime
    closed_at: datetime | None
    sentence: str
    numbers: list[NumberShape]
    events: list[EventShape]


class OpportunityShape(PublicShape):
    """`yearly` is the value of all signs together, `expected` the same times the confidence of the leading sign.

    `blocked_because` says why nobody should offer anything now, "" where nothing stands against it.
    """

    id: int
    stage: str
    package: str
    account: AccountOfSignal
    urgency: str
    yearly: Decimal | None
    currency: str
    basis: str
    expected: Decimal | None
    confidence: ConfidenceShape
    blocked_because: str
    assignee: str | None
    opened_at: datetime
    contacted_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    won_yearly: Decimal | None
    note: str
    signs: list[SignShape]


class MilestoneShape(PublicShape):
    """`unwise_because` says why to wait with celebrating; `month` is the first day of the month of an award."""

    id: int
    state: str
    package: str
    rule: str
    title: str
    action: str
    account: AccountOfSignal
    reached_at: datetime
    month: date | None
    unwise_because: str
    settled_at: datetime | None
    settled_by: str
    sentence: str
    numbers: list[NumberShape]
    events: list[EventShape]


def opportunity_shapes(member: Member, found: Sequence[Growth], *, now: datetime) -> list[OpportunityShape]:
    faces = access_faces(member, (one.opportunity.version_id for one in found))
    conversions = access_conversions(member, now=now)
    return [
        OpportunityShape(
            id=one.opportunity.pk,
            stage=one.opportunity.stage,
            package=one.opportunity.package,
            account=account_of(one.opportunity.account),
            urgency=one.opportunity.urgency,
            yearly=one.opportunity.yearly,
            currency=one.opportunity.currency,
            basis=one.opportunity.basis,
            expected=one.expected,
            confidence=_confidence(one.confidence),
            blocked_because=one.opportunity.blocked_because,
            assignee=one.opportunity.assignee.email if one.opportunity.assignee else None,
            opened_at=one.opportunity.opened_at,
            contacted_at=one.opportunity.contacted_at,
            closed_at=one.opportunity.closed_at,
            closed_by=one.opportunity.closed_by,
            won_yearly=one.opportunity.won_yearly,
            note=one.opportunity.note,
            signs=[
                _sign(sign, faces.get(one.opportunity.version_id), conversions, one.opportunity.package)
                for sign in signs_of(one.opportunity)
            ],
        )
        for one in found
    ]


def expansion_signals(member: Member, account: Account, moment: datetime, *, now: datetime) -> list[SignShape]:
    """The signals that spoke for growth at an account at a moment, each with its evidence."""
    signs = access_signs_at(member, account, moment)
    faces = access_faces(member, (sign.opportunity.version_id for sign in signs))
    conversions = access_conversions(member, now=now) if signs else {}
    return [
        _sign(sign, faces.get(sign.opportunity.version_id), conversions, sign.opportunity.package) for sign in signs
    ]


def milestone_shapes(member: Member, found: Sequence[Milestone]) -> list[MilestoneShape]:
    faces = access_faces(member, (one.version_id for one in found))
    return [
        MilestoneShape(
            id=one.pk,
            state=one.state,
            package=one.package,
            rule=one.rule,
            title=one.title,
            action=one.action,
            account=account_of(one.account),
            reached_at=one.reached_at,
            month=one.month,
            unwise_because=one.unwise_because,
            settled_at=one.settled_at,
            settled_by=one.settled_by,
            sentence=sentence_of(one, faces.get(one.version_id)),
            numbers=number_shapes(lines_of(one), faces.get(one.version_id)),
            events=event_shapes(events_of(one)),
        )
        for one in found
    ]


def _confidence(found: Confidence) -> ConfidenceShape:
    return ConfidenceShape(share=found.share, is_assumed=found.is_assumed, closed=found.n)


def _sign(
    sign: OpportunitySign, face: ModelFace | None, conversions: Mapping[tuple[str, str], Tally], package: str
) -> SignShape:
    return SignShape(
        rule=sign.rule,
        type=sign.type,
        title=sign.title,
        urgency=sign.urgency,
        recommend=sign.recommend,
        action=sign.action,
        confidence=_confidence(confidence_of(sign, conversions.get((package, sign.rule)))),
        amount=sign.amount,
        currency=sign.currency,
        per=sign.per,
        yearly=sign.yearly,
        basis=sign.basis,
        opened_at=sign.opened_at,
        closed_at=sign.closed_at,
        sentence=sentence_of(sign, face),
        numbers=number_shapes(lines_of(sign), face),
        events=event_shapes(events_of(sign)),
    )
