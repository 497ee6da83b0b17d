"""Notices to members: put into the queue with what was noticed, and taken out again by what has settled itself."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from keepwell.base.business_time import Calendar
from keepwell.facts.gathering import due_at
from keepwell.facts.notice import Notice, Subject, Told, is_at_least, who_is_told
from keepwell.facts.notice_text import one_line
from keepwell.jobs.audit import record_act
from keepwell.jobs.route import is_for_programs
from keepwell.store.models import Member, Notification, NotificationRoute
from keepwell.store.read.member import holders_of_roles

NO_ROUTE: Final = "No route leads to this member."
_LONGEST_TITLE, _LONGEST_NAME = 300, 512
# Route, member and roles of a row; None where nothing leads there.
Way = tuple[NotificationRoute | None, int | None, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Recipients:
    """Everybody who can be told something, and by what."""

    members: Collection[int]
    holders: Mapping[str, Sequence[int]]
    routes: Sequence[NotificationRoute]

    @classmethod
    def read(cls) -> "Recipients":
        members = set(Member.objects.filter(is_active=True).values_list("pk", flat=True))
        routes = NotificationRoute.objects.filter(removed_at=None).order_by("pk")
        return cls(members, holders_of_roles(), list(routes))

    def told(self, notice: Notice) -> Told:
        return who_is_told(notice, self.holders, self.members)

    def ways(self, notice: Notice, told: Told) -> Iterator[Way]:
        """A team's route answers for the roles of the notice itself. What no program takes has a way that is none."""
        if notice.event:
            yield from self.programs(notice) or [(None, None, notice.roles)]
            return
        for route in self.routes:
            if route.member_id is None and _takes(route, notice, notice.roles):
                yield route, None, [role for role in notice.roles if role in route.roles]
        for member, roles in told.members.items():
            own = [route for route in self.routes if route.member_id == member]
            if not own:
                yield None, member, roles
            for route in own:
                if _takes(route, notice, roles):
                    yield route, member, roles

    def programs(self, notice: Notice) -> list[Way]:
        """The routes of a notice that is for programs: those of teams, and of members who hold one of its roles."""
        told = self.told(notice)
        found: list[Way] = []
        for route in filter(is_for_programs, self.routes):
            held = notice.roles if route.member_id is None else told.members.get(route.member_id, ())
            roles = [role for role in held if role in notice.roles]
            if roles and _takes(route, notice, roles):
                found.append((route, route.member_id, roles))
        return found


def no_program(roles: Sequence[str]) -> str:
    """Why nobody heard of what was for programs."""
    told = " or ".join(roles)
    return (
        f"No webhook takes what is told to {told}; add one: keepwell notify add --channel webhook --role {roles[0]} …"
    )


def do_queue_notifications(notices: Sequence[Notice], *, calendar: Calendar, by: str, now: datetime) -> int:
    """Queue each notice for everybody who is told of it, and return how many rows that made.

    Call it inside the transaction that opens the subjects. A notice of a subject that a recipient was told of, or is
    about to be, changes nothing. A member without a route gets a row that says so, and so does what no program takes.
    """
    if not notices:
        return 0
    with transaction.atomic():
        recipients = Recipients.read()
        rows = []
        for notice in notices:
            told = recipients.told(notice)
            rows += [_row(notice, told, calendar, now, *way) for way in recipients.ways(notice, told)]
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
        account_key=notice.account_key,
        account_name=one_line(notice.account_name, _LONGEST_NAME),
        event=notice.event,
        data=dict(notice.data),
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
        reason="" if route is not None else no_program(notice.roles)[:300] if notice.event else NO_ROUTE,
        settled_at=None if route is not None else now,
    )
