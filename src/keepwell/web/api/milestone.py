"""Milestones: listed, celebrated or passed over."""

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from keepwell.base.clock import SystemClock
from keepwell.jobs.growth_shape import MilestoneShape, milestone_shapes
from keepwell.jobs.milestone import Settled, do_settle_milestone
from keepwell.store.models import Member
from keepwell.store.read.account import access_account_named
from keepwell.store.read.milestone import (
    MilestoneFilter,
    State,
    access_milestone,
    access_milestone_count,
    access_milestones,
)
from keepwell.web.api.shape import Id, NotFound, Text
from keepwell.web.api.signal import NotYours, Paged, Refused, acting, answered, nothing
from keepwell.web.pages.frame import member_of

router = Router()
ANSWERS = {200: MilestoneShape, 403: NotYours, 404: NotFound, 409: Refused}


class MilestoneList(Schema):
    total: int
    milestones: list[MilestoneShape]


class MilestoneQuery(Paged):
    """`account` is a key or an id; `mine` those of whoever asks."""

    state: State = "new"
    account: Text = ""
    mine: bool = False


@router.get("", response={200: MilestoneList, 404: NotFound}, summary="Milestones, newest first")
def list_milestones(request: HttpRequest, query: Query[MilestoneQuery]) -> Status[object]:
    member = member_of(request)
    account = access_account_named(member, query.account) if query.account else None
    if query.account and account is None:
        return nothing()
    wanted = MilestoneFilter(query.state, account.pk if account else None, member if query.mine else None)
    rows = access_milestones(member, wanted, first=query.first, size=query.size)
    total = access_milestone_count(member, wanted)
    return Status(200, MilestoneList(total=total, milestones=milestone_shapes(member, rows)))


@router.get("/{int:milestone_id}", response={200: MilestoneShape, 404: NotFound}, summary="One milestone")
def one_milestone(request: HttpRequest, milestone_id: Id) -> Status[object]:
    found = _told(member_of(request), milestone_id)
    return nothing() if found is None else Status(200, found)


@router.post("/{int:milestone_id}/celebrated", response=ANSWERS, summary="Say that it was celebrated")
def celebrated(request: HttpRequest, milestone_id: Id) -> Status[object]:
    return _settled(request, milestone_id, "celebrated")


@router.post("/{int:milestone_id}/passed-over", response=ANSWERS, summary="Say that it will not be celebrated")
def passed_over(request: HttpRequest, milestone_id: Id) -> Status[object]:
    return _settled(request, milestone_id, "passed_over")


def _settled(request: HttpRequest, milestone_id: int, state: Settled) -> Status[object]:
    member, now = member_of(request), SystemClock().now()
    found = access_milestone(member, milestone_id)
    if found is None:
        return nothing()
    by = acting(request, member)
    return answered(
        member,
        found.account,
        None,
        lambda: do_settle_milestone(found, state, by=by, now=now),
        lambda: _told(member, milestone_id),
    )


def _told(member: Member, milestone_id: int) -> MilestoneShape | None:
    """As it stands now."""
    found = access_milestone(member, milestone_id)
    return milestone_shapes(member, [found])[0] if found is not None else None
