"""Messages to contacts: listed, read, let leave or not."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.instant import instant, microseconds
from keepwell.jobs.approval import LONGEST_TEXT, do_approve_touch, do_refuse_touch
from keepwell.jobs.touch_shape import TouchShape, WholeTouchShape, touch_shapes, whole_touch_shape
from keepwell.playbooks.template import LONGEST_SUBJECT
from keepwell.store.models import Member, Touch
from keepwell.store.read.account import access_account_named
from keepwell.store.read.touch import TouchListed, access_shown, access_touch, access_touches, may_approve
from keepwell.web.api.shape import Id, NotFound, Text
from keepwell.web.api.signal import Body, Note, Paged, Refused, acting, nothing
from keepwell.web.pages.frame import member_of

router = Router()


class NotYourVoice(Schema):
    error: str = "This message speaks for somebody else; only they may let it leave."


ANSWERS = {200: WholeTouchShape, 403: NotYourVoice, 404: NotFound, 409: Refused}


class TouchList(Schema):
    total: int
    touches: list[TouchShape]


class TouchQuery(Paged):
    """`state` `asked` waits for somebody's yes, `waiting` for its time; `account` is a key or an id."""

    state: TouchListed = "all"
    account: Text = ""


class Shown(Schema):
    """A message for the product to show. `html` is a whole page that loads nothing."""

    id: int
    subject: str
    text: str
    html: str
    purpose: str
    shown_at: datetime


class Feed(Schema):
    """`next` is what `after` is in the next call; the same as now where nothing is new."""

    messages: list[Shown]
    next: str


class FeedQuery(Schema):
    """`account` is a key or an id, `contact` the contact's key there; `after` the `next` of the call before."""

    account: Annotated[Text, Field(min_length=1)]
    contact: Annotated[Text, Field(min_length=1)]
    after: Annotated[Text, Field(pattern=r"^([0-9]{1,17}-[0-9]{1,18})?$")] = ""
    size: Annotated[int, Field(ge=1, le=100)] = 20


class ApproveBody(Body):
    """Without `subject` or `text` it leaves with its own."""

    subject: Annotated[Text, Field(max_length=LONGEST_SUBJECT)] | None = None
    text: Annotated[Text, Field(max_length=LONGEST_TEXT)] | None = None


class RefuseBody(Body):
    reason: Note = ""


@router.get("", response={200: TouchList, 404: NotFound}, summary="Messages to contacts, newest first")
def list_touches(request: HttpRequest, query: Query[TouchQuery]) -> Status[object]:
    """Those that wait come by when they are due."""
    member = member_of(request)
    account = access_account_named(member, query.account) if query.account else None
    if query.account and account is None:
        return nothing()
    rows = access_touches(member, query.state, account.pk if account else None)
    page = list(rows[query.first : query.first + query.size])
    return Status(200, TouchList(total=rows.count(), touches=touch_shapes(page)))


def read_feed(member: Member, account: int, contact: str, after: str, size: int) -> Feed:
    """The first messages behind a place in the feed of a contact, at most `size` of them."""
    at, _, number = (after or "0-0").partition("-")
    rows = access_shown(member, account, contact, instant(int(at)), int(number))[:size]
    found = [
        Shown(
            id=row.pk,
            subject=row.subject,
            text=row.text,
            html=row.html,
            purpose=row.purpose,
            shown_at=row.settled_at or row.due_at,
        )
        for row in rows
    ]
    return Feed(messages=found, next=place_of_shown(found[-1]) if found else after)


def place_of_shown(message: Shown) -> str:
    """Its place in the feed: what `after` is for what comes behind it."""
    return f"{microseconds(message.shown_at)}-{message.id}"


@router.get("/shown", response={200: Feed, 404: NotFound}, summary="What the product shows a contact, oldest first")
def shown(request: HttpRequest, query: Query[FeedQuery]) -> Status[object]:
    """Messages of the channel `in_app`, from when on they may be shown. Ask every minute or so from your server; the
    key that it asks with must not reach a browser."""
    member = member_of(request)
    account = access_account_named(member, query.account)
    if account is None:
        return nothing()
    return Status(200, read_feed(member, account.pk, query.contact, query.after, query.size))


@router.get("/{int:touch_id}", response={200: WholeTouchShape, 404: NotFound}, summary="One message")
def one_touch(request: HttpRequest, touch_id: Id) -> Status[object]:
    touch = access_touch(member_of(request), touch_id)
    return nothing() if touch is None else Status(200, whole_touch_shape(touch))


@router.post("/{int:touch_id}/approve", response=ANSWERS, summary="Let it leave, with other words if need be")
def approve(request: HttpRequest, touch_id: Id, body: ApproveBody) -> Status[object]:
    """It still passes consent, caps and quiet hours."""
    member, now = member_of(request), SystemClock().now()
    touch = access_touch(member, touch_id)
    if touch is None:
        return nothing()
    subject = touch.subject if body.subject is None else body.subject
    text = touch.text if body.text is None else body.text
    by = acting(request, member)
    return _answered(member, touch, lambda: do_approve_touch(touch, member, subject=subject, text=text, by=by, now=now))


@router.post("/{int:touch_id}/refuse", response=ANSWERS, summary="Do not send it")
def refuse(request: HttpRequest, touch_id: Id, body: RefuseBody) -> Status[object]:
    """The playbook goes on without it."""
    member, now = member_of(request), SystemClock().now()
    touch = access_touch(member, touch_id)
    if touch is None:
        return nothing()
    by = acting(request, member)
    return _answered(member, touch, lambda: do_refuse_touch(touch, member, reason=body.reason, by=by, now=now))


def _answered(member: Member, touch: Touch, act: Callable[[], None]) -> Status[object]:
    if not may_approve(member, touch):
        return Status(403, NotYourVoice())
    try:
        act()
    except UserError as error:
        return Status(409, Refused(error=str(error)))
    fresh = access_touch(member, touch.pk)
    return nothing() if fresh is None else Status(200, whole_touch_shape(fresh))
