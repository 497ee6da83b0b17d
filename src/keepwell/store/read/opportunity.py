"""Opportunities with the signs that speak for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from django.db.models import F, Prefetch, Q, QuerySet

from keepwell.store.models import Account, Member, Opportunity, OpportunitySign
from keepwell.store.read.scope import owned_by, visible_accounts

# `live` is open and contacted, the two that are not closed.
Stage = Literal["live", "open", "contacted", "won", "lost", "lapsed", "all"]
CLOSED: Final = ("won", "lost", "lapsed")


@dataclass(frozen=True, slots=True)
class OpportunityFilter:
    """What a list is narrowed to. `mine` is a member whose accounts, or whose opportunities, are meant."""

    stage: Stage = "live"
    account: int | None = None
    is_blocked: bool | None = None
    mine: Member | None = None


def visible_opportunities(member: Member) -> QuerySet[Opportunity]:
    return Opportunity.objects.filter(account__in=visible_accounts(member))


def access_opportunity(member: Member, opportunity_id: int) -> Opportunity | None:
    return _joined(visible_opportunities(member)).filter(pk=opportunity_id).first()


def access_opportunities(
    member: Member, wanted: OpportunityFilter, *, first: int = 0, size: int | None = None
) -> list[Opportunity]:
    """The most valuable first, those without a value last, each with its signs."""
    rows = _joined(_filtered(member, wanted)).order_by(F("yearly").desc(nulls_last=True), "opened_at", "pk")
    return list(rows[first:] if size is None else rows[first : first + size])


def access_opportunity_count(member: Member, wanted: OpportunityFilter) -> int:
    return _filtered(member, wanted).count()


def signs_of(opportunity: Opportunity) -> list[OpportunitySign]:
    """The signs that still hold; of a closed opportunity, those that ever did. The most valuable first."""
    signs = sorted(opportunity.signs.all(), key=lambda sign: (sign.yearly is None, -(sign.yearly or 0), sign.pk))
    return [sign for sign in signs if sign.closed_at is None] or signs


def access_signs_at(member: Member, account: Account, moment: datetime) -> Sequence[OpportunitySign]:
    """The signs that spoke for growth at an account at a moment."""
    held = Q(closed_at=None) | Q(closed_at__gt=moment)
    rows = OpportunitySign.objects.filter(held, opportunity__in=visible_opportunities(member), opened_at__lte=moment)
    rows = rows.filter(opportunity__account=account)
    return list(rows.select_related("opportunity").order_by(F("yearly").desc(nulls_last=True), "pk"))


def _joined(rows: QuerySet[Opportunity]) -> QuerySet[Opportunity]:
    signs = Prefetch("signs", queryset=OpportunitySign.objects.order_by("pk"))
    return rows.select_related("account", "account__owner", "assignee").prefetch_related(signs)


def _filtered(member: Member, wanted: OpportunityFilter) -> QuerySet[Opportunity]:
    rows = visible_opportunities(member)
    if wanted.stage == "live":
        rows = rows.filter(closed_at=None)
    elif wanted.stage != "all":
        rows = rows.filter(stage=wanted.stage)
    if wanted.account is not None:
        rows = rows.filter(account=wanted.account)
    if wanted.is_blocked is not None:
        rows = rows.exclude(blocked_because="") if wanted.is_blocked else rows.filter(blocked_because="")
    if wanted.mine is not None:
        rows = rows.filter(owned_by(wanted.mine, "account__") | Q(assignee=wanted.mine.pk, assignee__isnull=False))
    return rows
