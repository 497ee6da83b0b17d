"""Alerts: listed, read and handled."""

from collections.abc import Callable

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from keepwell.base.clock import SystemClock
from keepwell.facts.notice import Severity
from keepwell.jobs.alert import do_acknowledge_alert, do_assign_alert, do_close_alert, do_snooze_alert
from keepwell.jobs.alert_shape import AlertShape, alert_shapes
from keepwell.jobs.today_shape import ResponseShape, response_shapes
from keepwell.signals.alert import CloseReason
from keepwell.store.models import Alert, Member
from keepwell.store.read.account import access_account_named
from keepwell.store.read.alert import (
    AlertFilter,
    Listed,
    Order,
    access_alert,
    access_alert_count,
    access_alerts,
    access_assignees,
)
from keepwell.web.api.shape import Id, Moment, NotFound, Text
from keepwell.web.api.signal import Body, Note, NotYours, Paged, Refused, acting, answered, nothing
from keepwell.web.pages.frame import member_of

router = Router()
ANSWERS = {200: AlertShape, 403: NotYours, 404: NotFound, 409: Refused}


class AlertList(Schema):
    total: int
    alerts: list[AlertShape]


class AlertQuery(Paged):
    """`account` is a key or an id; `assignee` an e-mail address, or `nobody`; `mine` those of whoever asks."""

    state: Listed = "open"
    severity: Severity | None = None
    rule: Text = ""
    account: Text = ""
    assignee: Text = ""
    mine: bool = False
    model: Text = ""
    segment: Text = ""
    sort: Order = "severity"


class AssignBody(Body):
    """`to` is an e-mail address; null for nobody."""

    to: Text | None


class SnoozeBody(Body):
    """`until` is a moment; null until the band, or an event behind the alert, changes."""

    until: Moment | None


class CloseBody(Body):
    reason: CloseReason
    note: Note = ""


class ResponseList(Schema):
    clocks: list[ResponseShape]


@router.get("", response={200: AlertList, 404: NotFound}, summary="Alerts, the worst first")
def list_alerts(request: HttpRequest, query: Query[AlertQuery]) -> Status[object]:
    member, now = member_of(request), SystemClock().now()
    account = access_account_named(member, query.account) if query.account else None
    if query.account and account is None:
        return nothing()
    wanted = AlertFilter(
        listed=query.state,
        severities=(query.severity,) if query.severity else (),
        rule=query.rule,
        account=account.pk if account else None,
        mine=member if query.mine else None,
        assignee=query.assignee,
        model=query.model,
        segment=query.segment,
    )
    rows = access_alerts(member, wanted, order=query.sort, first=query.first, size=query.size, now=now)
    total = access_alert_count(member, wanted, now=now)
    return Status(200, AlertList(total=total, alerts=alert_shapes(member, rows, now=now)))


@router.get("/response-times", response=ResponseList, summary="How fast alerts were noticed and answered")
def response_times(request: HttpRequest) -> ResponseList:
    """Over the alerts that opened in the last 30 days, each clock with the number of alerts behind it."""
    return ResponseList(clocks=response_shapes(member_of(request), now=SystemClock().now()))


@router.get("/{int:alert_id}", response={200: AlertShape, 404: NotFound}, summary="One alert")
def one_alert(request: HttpRequest, alert_id: Id) -> Status[object]:
    member = member_of(request)
    alert = access_alert(member, alert_id)
    return nothing() if alert is None else Status(200, _told(member, alert.pk))


@router.post("/{int:alert_id}/acknowledge", response=ANSWERS, summary="Say that somebody has seen it")
def acknowledge(request: HttpRequest, alert_id: Id) -> Status[object]:
    """Doing it again, or to a closed alert, changes nothing."""
    member, now = member_of(request), SystemClock().now()
    alert = access_alert(member, alert_id)
    if alert is None:
        return nothing()
    return _handled(member, alert, lambda: do_acknowledge_alert(alert, by=acting(request, member), now=now))


@router.post("/{int:alert_id}/assign", response=ANSWERS, summary="Give it to a member, or to nobody")
def assign(request: HttpRequest, alert_id: Id, body: AssignBody) -> Status[object]:
    member, now = member_of(request), SystemClock().now()
    alert = access_alert(member, alert_id)
    if alert is None:
        return nothing()
    to = next((one for one in access_assignees(member) if one.email == body.to), None)
    if body.to is not None and to is None:
        return Status(409, Refused(error=f"Nobody who may sign in has the e-mail address {body.to[:320]!r}."))
    return _handled(member, alert, lambda: do_assign_alert(alert, to, by=acting(request, member), now=now))


@router.post("/{int:alert_id}/snooze", response=ANSWERS, summary="Put it aside")
def snooze(request: HttpRequest, alert_id: Id, body: SnoozeBody) -> Status[object]:
    member, now = member_of(request), SystemClock().now()
    alert = access_alert(member, alert_id)
    if alert is None:
        return nothing()
    return _handled(member, alert, lambda: do_snooze_alert(alert, body.until, by=acting(request, member), now=now))


@router.post("/{int:alert_id}/close", response=ANSWERS, summary="Close it for a reason")
def close(request: HttpRequest, alert_id: Id, body: CloseBody) -> Status[object]:
    """While what it tells of still holds, nobody is told of it again."""
    member, now = member_of(request), SystemClock().now()
    alert = access_alert(member, alert_id)
    if alert is None:
        return nothing()
    by = acting(request, member)
    return _handled(member, alert, lambda: do_close_alert(alert, body.reason, note=body.note, by=by, now=now))


def _handled(member: Member, alert: Alert, act: Callable[[], None]) -> Status[object]:
    return answered(member, alert.account, alert.assignee_id, act, lambda: _told(member, alert.pk))


def _told(member: Member, alert_id: int) -> AlertShape | None:
    """As it stands now."""
    now = SystemClock().now()
    fresh = access_alert(member, alert_id)
    return alert_shapes(member, [fresh], now=now)[0] if fresh is not None else None
