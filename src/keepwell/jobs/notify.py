"""Notices to members: put into the queue with what was noticed, and taken out again by what has settled itself."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from django.db import transaction

from keepwell.base.business_time import Calendar
from keepwell.facts.gathering import due_at
from keepwell.facts.notice import Notice, Subject, Told, is_at_least, who_is_told
from keepwell.facts.notice_text import one_line
from keepwell.jobs.audit import record_act
from keepwell.store.models import Member, Notification, NotificationRoute
from keepwell.store.read.member import holders_of_roles

NO_ROUTE = "No route leads to this member."
_LONGEST_TITLE, _LONGEST_NAME = 300, 512


def do_queue_notifications(notices: Sequence[Notice], *, calendar: Calendar, by: str, now: datetime) -> int:
    """Queue each notice for everybody who is told of it, and return how many rows that made.

    Call it inside the transaction that opens the subjects. A notice of a subject that a recipient was told of, or is
    about to be, changes nothing. A member without a route gets a row that says so.
    """
    if not notices:
        return 0
    with transaction.atomic():
        members = set(Member.objects.filter(is_active=True).values_list("pk", flat=True))
        holders = holders_of_roles()
        routes = list(NotificationRoute.objects.filter(removed_at=None).order_by("pk"))
        rows = []
        for notice in notices:
            told = who_is_told(notice, holders, members)
            rows += [_row(notice, told, calendar, now, *way) for way in _ways(notice, told, routes)]
        before = Notification.objects.count()
        Notification.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
        made = Notification.objects.count() - before
        details = {"notices": len(notices), "rows": made, "without_route": sum(row.route is None for row in rows)}
        record_act("queue_notifications", "notification", details, by=by, now=now)
    return made


def do_suppress_notifications(
    subject: Subject, subject_ids: Collection[int], reason: str, *, by: str, now: datetime
) -> int:
    """Tell nobody any more of what has settled itself, such as an alert that was closed; return how many notices.

    What was told or claimed already stays as it is.
    """
    with transaction.atomic():
        waiting = Notification.objects.filter(subject=subject, subject_id__in=subject_ids, state="todo")
        count = waiting.update(state="suppressed", reason=one_line(reason, 300), settled_at=now)
        if count:
            details = {"notices": count, "reason": reason}
            record_act("suppress_notifications", f"notification:{subject}", details, by=by, now=now)
    return count


def _ways(
    notice: Notice, told: Told, routes: Sequence[NotificationRoute]
) -> Iterator[tuple[NotificationRoute | None, int | None, Sequence[str]]]:
    """Route, member and roles of each row; a team's route answers for the roles of the notice itself."""
    for route in routes:
        if route.member_id is None and _takes(route, notice, notice.roles):
            yield route, None, [role for role in notice.roles if role in route.roles]
    for member, roles in told.members.items():
        own = [route for route in routes if route.member_id == member]
        if not own:
            yield None, member, roles
        for route in own:
            if _takes(route, notice, roles):
                yield route, member, roles


def _takes(route: NotificationRoute, notice: Notice, roles: Sequence[str]) -> bool:
    in_role = not route.roles or any(role in route.roles for role in roles)
    return in_role and is_at_least(notice.severity, route.severity)


def _row(
    notice: Notice,
    told: Told,
    calendar: Calendar,
    now: datetime,
    route: NotificationRoute | None,
    member: int | None,
    roles: Sequence[str],
) -> Notification:
    return Notification(
        route=route,
        member_id=member,
        roles=list(roles),
        empty_roles=list(told.empty_roles),
        subject=notice.subject,
        subject_id=notice.subject_id,
        account_name=one_line(notice.account_name, _LONGEST_NAME),
        title=one_line(notice.title, _LONGEST_TITLE),
        sentence=one_line(notice.sentence),
        severity=notice.severity,
        link=notice.link,
        tell=notice.tell,
        happened_at=notice.happened_at,
        respond_by=notice.respond_by,
        queued_at=now,
        due_at=due_at(notice.tell, calendar, now=now),
        state="todo" if route is not None else "suppressed",
        reason="" if route is not None else NO_ROUTE,
        settled_at=None if route is not None else now,
    )
