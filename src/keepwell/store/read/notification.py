"""Routes, roles and what became of notices, for those who run Keepwell."""

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q

from keepwell.store.models import Member, Notification, NotificationRoute, RoleHolder

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RouteRow:
    """`last_sent_at` is when a message arrived last; the target itself is never read."""

    number: int
    recipient: str
    is_team: bool
    channel: str
    shown: str
    severity: str
    roles: tuple[str, ...]
    waiting: int
    last_sent_at: datetime | None
    paused_until: datetime | None


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """One notice to one recipient."""

    queued_at: datetime
    recipient: str
    channel: str
    severity: str
    account_name: str
    title: str
    state: str
    reason: str
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotificationHealth:
    """`untold` counts subjects that nobody was told of because no route led to anybody; of all times.

    `failed`, `unknown` and `overdue` count notices; the first two of the last day.
    """

    untold: int
    failed: int
    unknown: int
    overdue: int


def route_rows() -> list[RouteRow]:
    """Every route that was not removed, in the order in which they were made."""
    waiting = Count("notifications", filter=Q(notifications__state="todo"))
    sent = Max("notifications__settled_at", filter=Q(notifications__state="sent"))
    routes = NotificationRoute.objects.filter(removed_at=None).select_related("member")
    return [
        RouteRow(
            number=route.pk,
            recipient=route.member.email if route.member else route.team,
            is_team=route.member is None,
            channel=route.channel,
            shown=route.shown,
            severity=route.severity,
            roles=tuple(route.roles),
            waiting=route.waiting,
            last_sent_at=route.last_sent_at,
            paused_until=route.paused_until,
        )
        for route in routes.annotate(waiting=waiting, last_sent_at=sent).order_by("pk")
    ]


def role_rows() -> dict[str, list[str]]:
    """The members that hold each role, by e-mail address."""
    found: dict[str, list[str]] = defaultdict(list)
    for role, email in RoleHolder.objects.order_by("role", "member__email").values_list("role", "member__email"):
        found[role].append(email)
    return dict(found)


def admin_emails() -> list[str]:
    """The members that the role `admin` stands for."""
    admins = Member.objects.filter(role__in=("owner", "admin"), is_active=True)
    return list(admins.order_by("email").values_list("email", flat=True))


def notification_rows(limit: int) -> list[NotificationRow]:
    """The newest notices, newest first."""
    rows = Notification.objects.select_related("route", "member").order_by("-pk")[:limit]
    return [
        NotificationRow(
            queued_at=row.queued_at,
            recipient=row.member.email if row.member else row.route.team if row.route else "",
            channel=row.route.channel if row.route else "",
            severity=row.severity,
            account_name=row.account_name,
            title=row.title,
            state=row.state,
            reason=row.reason,
            settled_at=row.settled_at,
        )
        for row in rows
    ]


def as_json(row: RouteRow | NotificationRow) -> dict[str, object]:
    """A row with its times as text."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(row).items()}


def notification_health(*, now: datetime, late: timedelta) -> NotificationHealth:
    """`late` is how long a notice that is due may wait before it counts as overdue."""
    same = Notification.objects.filter(
        subject=OuterRef("subject"), subject_id=OuterRef("subject_id"), route__isnull=False
    )
    untold = Notification.objects.filter(route=None).filter(~Exists(same))
    settled = Notification.objects.filter(settled_at__gte=now - DAY)
    return NotificationHealth(
        untold=untold.values("subject", "subject_id").distinct().count(),
        failed=settled.filter(state="failed").count(),
        unknown=settled.filter(state="unknown").count(),
        overdue=Notification.objects.filter(state="todo", due_at__lt=now - late).count(),
    )
