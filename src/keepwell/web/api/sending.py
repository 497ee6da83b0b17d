"""Whether messages to contacts leave: told, stopped, let go again, turned on and off."""

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest
from ninja import Router, Schema, Status

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.jobs.sending import (
    do_resume_sending,
    do_stop_sending,
    do_turn_sending_off,
    do_turn_sending_on,
    example_packages,
)
from keepwell.store.models import Member
from keepwell.store.read.sending import (
    SendingState,
    may_set_sending,
    may_stop_sending,
    read_sending,
    sending_state,
)
from keepwell.web.api.signal import Refused, acting
from keepwell.web.pages.frame import member_of

router = Router()


class NotYoursToSet(Schema):
    error: str = (
        "Whoever may act can stop messages; only owners and admins let them leave again, or turn them on or off."
    )


class SendingShape(Schema):
    """`state` is off on a new home; what would leave then is kept and shown. `stopped` counts for more than on and off.

    `example_packages` are those whose messages never leave, as people and links in them are made up.
    """

    state: SendingState
    is_on: bool
    is_stopped: bool
    tested_at: datetime | None
    changed_at: datetime | None
    changed_by: str
    example_packages: list[str]


ANSWERS = {200: SendingShape, 403: NotYoursToSet, 409: Refused}


@router.get("", response=SendingShape, summary="Whether messages leave")
def sending_as_it_is(request: HttpRequest) -> SendingShape:
    return _told()


@router.post("/stop", response=ANSWERS, summary="Stop all messages at once")
def stop(request: HttpRequest) -> Status[object]:
    """What is due waits. Doing it again changes nothing."""
    member, by, now = _asked(request)
    return _answered(may_stop_sending(member), lambda: do_stop_sending(member, by=by, now=now))


@router.post("/resume", response=ANSWERS, summary="Let messages leave again after a stop")
def resume(request: HttpRequest) -> Status[object]:
    """What is too late by its own rule does not leave."""
    member, by, now = _asked(request)
    return _answered(may_set_sending(member), lambda: do_resume_sending(member, by=by, now=now))


@router.post("/on", response=ANSWERS, summary="Turn sending on")
def turn_on(request: HttpRequest) -> Status[object]:
    """Refused without a mail server, and without a test of the last day that it took."""
    member, by, now = _asked(request)
    return _answered(may_set_sending(member), lambda: do_turn_sending_on(settings.KEEPWELL, member, by=by, now=now))


@router.post("/off", response=ANSWERS, summary="Turn sending off")
def turn_off(request: HttpRequest) -> Status[object]:
    """What would leave is kept and shown instead."""
    member, by, now = _asked(request)
    return _answered(may_set_sending(member), lambda: do_turn_sending_off(member, by=by, now=now))


def _asked(request: HttpRequest) -> tuple[Member, str, datetime]:
    member = member_of(request)
    return member, acting(request, member), SystemClock().now()


def _answered(is_allowed: bool, act: Callable[[], None]) -> Status[object]:
    if not is_allowed:
        return Status(403, NotYoursToSet())
    try:
        act()
    except UserError as error:
        return Status(409, Refused(error=str(error)))
    return Status(200, _told())


def _told() -> SendingShape:
    row = read_sending()
    return SendingShape(
        state=sending_state(row),
        is_on=row.is_on,
        is_stopped=row.is_stopped,
        tested_at=row.tested_at,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        example_packages=example_packages(),
    )
