"""Enrolments: listed, and read with every step."""

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from keepwell.base.clock import SystemClock
from keepwell.jobs.enrolment_shape import EnrolmentShape, WholeEnrolmentShape, enrolment_shape, whole_enrolment_shape
from keepwell.store.read.account import access_account_named
from keepwell.store.read.enrolment import EnrolmentListed, access_enrolment, access_enrolments
from keepwell.web.api.shape import Id, NotFound, Text
from keepwell.web.api.signal import Paged, nothing
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
    found = access_enrolment(member_of(request), enrolment_id)
    return nothing() if found is None else Status(200, whole_enrolment_shape(found, now=SystemClock().now()))
