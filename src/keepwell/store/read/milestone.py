"""Milestones: successes of accounts, celebrated or not."""

from dataclasses import dataclass
from typing import Literal

from django.db.models import QuerySet

from keepwell.store.models import Member, Milestone
from keepwell.store.read.scope import owned_by, visible_accounts

State = Literal["new", "celebrated", "passed_over", "all"]


@dataclass(frozen=True, slots=True)
class MilestoneFilter:
    """What a list is narrowed to. `mine` is a member whose accounts are meant."""

    state: State = "new"
    account: int | None = None
    mine: Member | None = None


def visible_milestones(member: Member) -> QuerySet[Milestone]:
    return Milestone.objects.filter(account__in=visible_accounts(member))


def access_milestone(member: Member, milestone_id: int) -> Milestone | None:
    return visible_milestones(member).select_related("account", "account__owner").filter(pk=milestone_id).first()


def access_milestones(
    member: Member, wanted: MilestoneFilter, *, first: int = 0, size: int | None = None
) -> list[Milestone]:
    """Newest first."""
    rows = _filtered(member, wanted).select_related("account", "account__owner").order_by("-reached_at", "-pk")
    return list(rows[first:] if size is None else rows[first : first + size])


def access_milestone_count(member: Member, wanted: MilestoneFilter) -> int:
    return _filtered(member, wanted).count()


def _filtered(member: Member, wanted: MilestoneFilter) -> QuerySet[Milestone]:
    rows = visible_milestones(member)
    if wanted.state != "all":
        rows = rows.filter(state=wanted.state)
    if wanted.account is not None:
        rows = rows.filter(account=wanted.account)
    if wanted.mine is not None:
        rows = rows.filter(owned_by(wanted.mine, "account__"))
    return rows
