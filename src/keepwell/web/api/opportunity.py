"""Opportunities: listed, read and moved on."""

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from keepwell.base.clock import SystemClock
from keepwell.jobs.growth_shape import OpportunityShape, opportunity_shapes
from keepwell.jobs.opportunity import Move, do_move_opportunity
from keepwell.jobs.read_today import growth_of, read_growth
from keepwell.store.models import Member
from keepwell.store.read.account import access_account_named
from keepwell.store.read.opportunity import OpportunityFilter, Stage, access_opportunity
from keepwell.store.read.rule import access_conversions
from keepwell.web.api.shape import Id, NotFound, Text
from keepwell.web.api.signal import Body, Note, NotYours, Paged, Refused, acting, answered, nothing
from keepwell.web.pages.frame import member_of

router = Router()
ANSWERS = {200: OpportunityShape, 403: NotYours, 404: NotFound, 409: Refused}


class OpportunityList(Schema):
    total: int
    opportunities: list[OpportunityShape]


class OpportunityQuery(Paged):
    """`account` is a key or an id; `mine` those of whoever asks."""

    stage: Stage = "live"
    account: Text = ""
    blocked: bool | None = None
    mine: bool = False


class MoveBody(Body):
    note: Note = ""


@router.get("", response={200: OpportunityList, 404: NotFound}, summary="Opportunities by what is expected of them")
def list_opportunities(request: HttpRequest, query: Query[OpportunityQuery]) -> Status[object]:
    member, now = member_of(request), SystemClock().now()
    account = access_account_named(member, query.account) if query.account else None
    if query.account and account is None:
        return nothing()
    mine = member if query.mine else None
    wanted = OpportunityFilter(query.stage, account.pk if account else None, query.blocked, mine)
    found = read_growth(member, wanted, now=now)
    page = opportunity_shapes(member, found[query.first : query.first + query.size], now=now)
    return Status(200, OpportunityList(total=len(found), opportunities=page))


@router.get("/{int:opportunity_id}", response={200: OpportunityShape, 404: NotFound}, summary="One opportunity")
def one_opportunity(request: HttpRequest, opportunity_id: Id) -> Status[object]:
    found = _told(member_of(request), opportunity_id)
    return nothing() if found is None else Status(200, found)


@router.post("/{int:opportunity_id}/contacted", response=ANSWERS, summary="Say that the account was contacted about it")
def contacted(request: HttpRequest, opportunity_id: Id, body: MoveBody) -> Status[object]:
    return _moved(request, opportunity_id, "contacted", body.note)


@router.post("/{int:opportunity_id}/lost", response=ANSWERS, summary="Say that nothing came of it")
def lost(request: HttpRequest, opportunity_id: Id, body: MoveBody) -> Status[object]:
    return _moved(request, opportunity_id, "lost", body.note)


def _moved(request: HttpRequest, opportunity_id: int, stage: Move, note: str) -> Status[object]:
    member, now = member_of(request), SystemClock().now()
    found = access_opportunity(member, opportunity_id)
    if found is None:
        return nothing()
    by = acting(request, member)
    return answered(
        member,
        found.account,
        found.assignee_id,
        lambda: do_move_opportunity(found, stage, note=note, by=by, now=now),
        lambda: _told(member, opportunity_id),
    )


def _told(member: Member, opportunity_id: int) -> OpportunityShape | None:
    """As it stands now."""
    now = SystemClock().now()
    found = access_opportunity(member, opportunity_id)
    if found is None:
        return None
    growth = growth_of(found, access_conversions(member, now=now))
    return opportunity_shapes(member, [growth], now=now)[0]
