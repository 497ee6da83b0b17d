"""What the resources of signals share: which account is meant, who may act, and the answers to an act."""

from collections.abc import Callable
from typing import Annotated, Final

from django.http import HttpRequest
from ninja import Schema, Status
from pydantic import ConfigDict, Field

from keepwell.base.errors import UserError
from keepwell.store.models import Account, Member
from keepwell.store.read.scope import may_act_at
from keepwell.web.api.shape import NotFound, Text
from keepwell.web.key_sign_in import key_name

NOTE_CHARACTERS: Final = 2000
Note = Annotated[Text, Field(max_length=NOTE_CHARACTERS)]


class NotYours(Schema):
    error: str = "This is not yours to handle; owners, admins and leads act everywhere, a CSM at their own accounts."


class Refused(Schema):
    """What was asked makes no sense any more, as of an alert that is closed."""

    error: str


class Paged(Schema):
    first: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    size: Annotated[int, Field(ge=1, le=500)] = 100


class Body(Schema):
    """Of a POST. What is not named here is refused."""

    model_config = ConfigDict(extra="forbid")


def acting(request: HttpRequest, member: Member) -> str:
    """By whom an act is recorded: the member, or the key that came in their stead."""
    return key_name(request) or member.email


def answered(
    member: Member,
    account: Account | None,
    assignee_id: int | None,
    act: Callable[[], object],
    told: Callable[[], object],
) -> Status[object]:
    """The answer to an act: 403 where it is not the member's to do, 409 with the reason where it cannot be done."""
    if not may_act_at(member, account, assignee_id):
        return Status(403, NotYours())
    try:
        act()
    except UserError as error:
        return Status(409, Refused(error=str(error)))
    return Status(200, told())


def nothing() -> Status[object]:
    return Status(404, NotFound())
