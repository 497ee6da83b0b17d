"""The switch of all messages on its page: stopped, let go again, tested, turned on and off."""

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.jobs.sending import (
    do_resume_sending,
    do_stop_sending,
    do_test_sending,
    do_turn_sending_off,
    do_turn_sending_on,
)
from keepwell.store.models import Member
from keepwell.store.read.sending import may_set_sending, may_stop_sending
from keepwell.web.pages.alert_act import done
from keepwell.web.pages.frame import member_of
from keepwell.web.pages.outbox import outbox_answer


@require_POST
def stop_sending(request: HttpRequest) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    if not may_stop_sending(member):
        raise PermissionDenied
    told = "Sending is stopped. Nothing leaves until an owner or an admin lets it."
    return done(request, lambda: do_stop_sending(member, by=member.email, now=now), told, "outbox")


@require_POST
def resume_sending(request: HttpRequest) -> HttpResponse:
    member, now = _admin(request)
    told = "The stop is over. What is too late by its own rule is not sent."
    return done(request, lambda: do_resume_sending(member, by=member.email, now=now), told, "outbox")


@require_POST
def turn_sending_on(request: HttpRequest) -> HttpResponse:
    member, now = _admin(request)
    told = "Sending is on. Messages leave from the worker's next turn on."
    return done(
        request, lambda: do_turn_sending_on(settings.KEEPWELL, member, by=member.email, now=now), told, "outbox"
    )


@require_POST
def turn_sending_off(request: HttpRequest) -> HttpResponse:
    member, now = _admin(request)
    told = "Sending is off. What would leave is kept here instead."
    return done(request, lambda: do_turn_sending_off(member, by=member.email, now=now), told, "outbox")


@require_POST
def send_test(request: HttpRequest) -> HttpResponse:
    """The page again with the address where the test could not be sent."""
    member, now = _admin(request)
    address = request.POST.get("address", "")
    try:
        receipt = do_test_sending(settings.KEEPWELL, address, member, by=member.email, now=now)
    except UserError as error:
        return outbox_answer(request, address=address, error=str(error))
    if receipt.outcome != "sent":
        return outbox_answer(request, address=address, error=f"The test did not leave: {receipt.detail}")
    messages.success(request, f"The mail server took a test to {address.strip()}. Look whether it arrived.")
    return redirect("outbox")


def _admin(request: HttpRequest) -> tuple[Member, datetime]:
    member = member_of(request)
    if not may_set_sending(member):
        raise PermissionDenied
    return member, SystemClock().now()
