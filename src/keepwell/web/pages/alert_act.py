"""What a member does with an alert on a page, and the way back to where it was done."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, cast

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from keepwell.base.business_time import Calendar
from keepwell.base.clock import SystemClock
from keepwell.base.errors import UserError
from keepwell.base.wall_time import instant_of, local_time
from keepwell.jobs.alert import do_acknowledge_alert, do_assign_alert, do_close_alert, do_snooze_alert
from keepwell.signals.alert import CloseReason
from keepwell.store.models import Account, Alert, Member
from keepwell.store.read.alert import access_alert, access_assignees
from keepwell.store.read.scope import may_act_at
from keepwell.web.pages.frame import member_of
from keepwell.web.pages.signal_face import GIVEN, REASONS

# Until when an alert is put aside, by the word of its button.
UNTIL: Final = {"tomorrow": "until tomorrow", "week": "until next week", "change": "until it changes"}


@require_POST
def acknowledge_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    member, alert, now = _asked(request, alert_id)
    return done(
        request, lambda: do_acknowledge_alert(alert, by=member.email, now=now), f"“{alert.title}” is acknowledged."
    )


@require_POST
def assign_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    member, alert, now = _asked(request, alert_id)
    email = request.POST.get("to", "")
    to = next((one for one in access_assignees(member) if one.email == email), None)
    if email and to is None:
        raise Http404
    told = f"“{alert.title}” belongs to {to.name if to else 'nobody'} now."
    return done(request, lambda: do_assign_alert(alert, to, by=member.email, now=now), told)


@require_POST
def snooze_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    member, alert, now = _asked(request, alert_id)
    until = request.POST.get("until", "")
    if until not in UNTIL:
        raise Http404
    moment = snoozed_until(until, settings.KEEPWELL.calendar, now)
    told = f"“{alert.title}” is put aside {UNTIL[until]}."
    return done(request, lambda: do_snooze_alert(alert, moment, by=member.email, now=now), told)


@require_POST
def close_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    member, alert, now = _asked(request, alert_id)
    if request.POST.get("reason") not in GIVEN:
        raise Http404
    reason, note = cast("CloseReason", request.POST["reason"]), request.POST.get("note", "")
    told = f"“{alert.title}” is closed: {REASONS[reason].lower()}."
    return done(request, lambda: do_close_alert(alert, reason, note=note, by=member.email, now=now), told)


def snoozed_until(until: str, calendar: Calendar, now: datetime) -> datetime | None:
    """The team's next opening time tomorrow, or on Monday; None until it changes."""
    if until == "change":
        return None
    local = local_time(now, calendar.place)
    days = 1 if until == "tomorrow" else 7 - local.weekday()
    return instant_of(datetime.combine(local.date() + timedelta(days=days), calendar.opens), calendar.place)


def done(request: HttpRequest, act: Callable[[], object], told: str, otherwise: str = "inbox") -> HttpResponse:
    """Does it, says so, and goes back to the page that it was asked on, or to the one of the name `otherwise`."""
    try:
        act()
    except UserError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, told)
    back = request.POST.get("back", "")
    is_ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return redirect(back if is_ours else reverse(otherwise))


def done_on_list(
    request: HttpRequest,
    page: str,
    act: Callable[[], None],
    told: str,
    again: Callable[[str, str], HttpResponse | None],
) -> HttpResponse:
    """Does it, says so, and goes back to the list, of everybody's or of one's own as the form says.

    `again` is asked with that choice and the reason where it could not be done: what was typed is shown once more, or
    None where there is nothing left to type for.
    """
    whose = "mine" if request.POST.get("whose") == "mine" else ""
    try:
        act()
    except UserError as error:
        shown = again(whose, str(error))
        if shown is not None:
            return shown
        messages.error(request, str(error))
    else:
        messages.success(request, told)
    return redirect(reverse(page) + (f"?whose={whose}" if whose else ""))


def refuse_strangers(member: Member, account: Account | None, assignee_id: int | None) -> None:
    """403 for whoever may see a signal and not handle it."""
    if not may_act_at(member, account, assignee_id):
        raise PermissionDenied


def _asked(request: HttpRequest, alert_id: int) -> tuple[Member, Alert, datetime]:
    member = member_of(request)
    alert = access_alert(member, alert_id)
    if alert is None:
        raise Http404
    refuse_strangers(member, alert.account, alert.assignee_id)
    return member, alert, SystemClock().now()
