"""Enrolments: listed, read with every step, begun and ended."""

from django.conf import settings
from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.jobs.enrolment_shape import EnrolmentShape, WholeEnrolmentShape, enrolment_shape, whole_enrolment_shape
from keepwell.jobs.enrolment_start import do_end_playbook, do_start_playbook
from keepwell.store.models import Member
from keepwell.store.read.account import access_account_named
from keepwell.store.read.enrolment import EnrolmentListed, access_enrolment, access_enrolments
from keepwell.store.read.scope import may_act_at
from keepwell.web.api.shape import Id, NotFound, Text
from keepwell.web.api.signal import Body, NotYours, Paged, Refused, acting, answered, nothing
from keepwell.web.pages.frame import member_of

router = Router()


class EnrolmentList(Schema):
    total: int
    enrolments: list[EnrolmentShape]


class EnrolmentQuery(Paged):
    """`account` is a key or an id; `playbook` the name of its file."""

    state: EnrolmentListed = "open"
    playbook: Text = ""
    account: Text = ""


@router.get("", response={200: EnrolmentList, 404: NotFound}, summary="Enrolments, newest first")
def list_enrolments(request: HttpRequest, query: Query[EnrolmentQuery]) -> Status[object]:
    member = member_of(request)
    account = access_account_named(member, query.account) if query.account else None
    if query.account and account is None:
        return nothing()
    rows = access_enrolments(member, query.state, playbook=query.playbook, account=account.pk if account else None)
    page = [enrolment_shape(row) for row in rows[query.first : query.first + query.size]]
    return Status(200, EnrolmentList(total=rows.count(), enrolments=page))


@router.get("/{int:enrolment_id}", response={200: WholeEnrolmentShape, 404: NotFound}, summary="One enrolment")
def one_enrolment(request: HttpRequest, enrolment_id: Id) -> Status[object]:
    """With what became of each of its steps and why, and when the others are due."""
    found = _told(member_of(request), enrolment_id)
    return nothing() if found is None else Status(200, found)


class StartBody(Body):
    """`account` is a key or an id; `playbook` the name of its file."""

    account: Text
    playbook: Text


ANSWERS = {200: WholeEnrolmentShape, 403: NotYours, 404: NotFound, 409: Refused}


@router.post("", response={201: WholeEnrolmentShape, 403: NotYours, 404: NotFound, 409: Refused}, summary="Begin one")
def start_enrolment(request: HttpRequest, body: StartBody) -> Status[object]:
    """What is due at once is done by the worker's next turn. 409 where the playbook would not start by a signal."""
    member, now = member_of(request), SystemClock().now()
    account = access_account_named(member, body.account)
    if account is None:
        return nothing()
    if not may_act_at(member, account):
        return Status(403, NotYours())
    try:
        record = do_start_playbook(
            account, body.playbook, settings.KEEPWELL.calendar, by=acting(request, member), now=now
        )
    except UserError as error:
        return Status(409, Refused(error=str(error)))
    return Status(201, _told(member, record.pk))


@router.post("/{int:enrolment_id}/end", response=ANSWERS, summary="End one before its time")
def end_enrolment(request: HttpRequest, enrolment_id: Id) -> Status[object]:
    """Its messages that wait do not leave, and its open tasks are needed no more."""
    member = member_of(request)
    found = access_enrolment(member, enrolment_id)
    if found is None:
        return nothing()
    by = acting(request, member)
    return answered(
        member,
        found.account,
        None,
        lambda: do_end_playbook(found.pk, by=by, now=SystemClock().now()),
        lambda: _told(member, enrolment_id),
    )


def _told(member: Member, enrolment_id: int) -> WholeEnrolmentShape | None:
    found = access_enrolment(member, enrolment_id)
    return whole_enrolment_shape(found, now=SystemClock().now()) if found is not None else None
