"""What a member does with playbooks on a page: begin one at an account, and end one before its time."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from keepwell.base.clock import SystemClock
from keepwell.jobs.enrolment_start import do_end_playbook, do_start_playbook, playbook_choices
from keepwell.store.read.account import access_account
from keepwell.store.read.enrolment import access_enrolment
from keepwell.web.pages.alert_act import done, refuse_strangers
from keepwell.web.pages.frame import member_of


@require_POST
def start_playbook(request: HttpRequest, account_id: int) -> HttpResponse:
    member = member_of(request)
    account = access_account(member, account_id)
    if account is None:
        raise Http404
    refuse_strangers(member, account, None)
    name = request.POST.get("playbook", "")
    title = playbook_choices().get(name)
    if title is None:
        raise Http404
    now, calendar = SystemClock().now(), settings.KEEPWELL.calendar
    told = f"“{title}” begins at {account}. The worker's next turn does what is due at once."
    return done(
        request, lambda: do_start_playbook(account, name, calendar, by=member.email, now=now), told, "enrolments"
    )


@require_POST
def end_playbook(request: HttpRequest, enrolment_id: int) -> HttpResponse:
    member = member_of(request)
    record = access_enrolment(member, enrolment_id)
    if record is None:
        raise Http404
    refuse_strangers(member, record.account, None)
    told = f"“{record.title}” at {record.account} is over. Its messages that waited do not leave."
    now = SystemClock().now()
    return done(request, lambda: do_end_playbook(record.pk, by=member.email, now=now), told, "enrolments")
