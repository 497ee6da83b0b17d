"""Alerts: one, and lists of them filtered, ordered and paged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from django.db.models import Case, Count, F, Max, Q, QuerySet, Value, When

from keepwell.facts.notice import SEVERITIES
from keepwell.store.models import Alert, AuditEntry, Member, SegmentAccount
from keepwell.store.read.scope import owned_by, sees_everything, visible_accounts
from keepwell.store.read.source import visible_sources

# Every alert is in one of these. `new`: nobody has acknowledged it. `put_aside`: until a moment, or until it changes.
AlertState = Literal["new", "acknowledged", "put_aside", "closed"]
# What a list may be narrowed to; `open` is new and acknowledged.
Listed = Literal["open", "new", "acknowledged", "put_aside", "closed", "all"]
Order = Literal["severity", "newest", "due"]
# While an account has one open, nothing is sold to it, and nothing celebrated.
FALLING: Final = ("critical", "high")
ACTS: Final = ("alert_acknowledged", "alert_assigned", "alert_snoozed", "alert_closed")


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """What a list is narrowed to; empty means everything. `account` is an id.

    `mine` is a member whose accounts, or whose alerts, are meant; `assignee` an e-mail address, "nobody" for none.
    `segment` belongs to the health model `model`.
    """

    listed: Listed = "open"
    severities: tuple[str, ...] = ()
    rule: str = ""
    account: int | None = None
    mine: Member | None = None
    assignee: str = ""
    model: str = ""
    segment: str = ""


def alert_state(alert: Alert, now: datetime) -> AlertState:
    if alert.closed_at is not None:
        return "closed"
    if alert.snoozed_evidence or (alert.snoozed_until is not None and alert.snoozed_until > now):
        return "put_aside"
    return "new" if alert.acknowledged_at is None else "acknowledged"


def is_overdue(alert: Alert, now: datetime) -> bool:
    """Whether the first contact is late: there was none, and the moment it was due by has passed."""
    is_waiting = alert.closed_at is None and alert.first_contact_at is None
    return is_waiting and alert.respond_by is not None and alert.respond_by < now


def falling_accounts(accounts: Iterable[int]) -> set[int]:
    """Those of the accounts with an open alert of severity critical or high."""
    rows = Alert.objects.filter(account__in=set(accounts), closed_at=None, severity__in=FALLING)
    return set(rows.values_list("account_id", flat=True))


def visible_alerts(member: Member) -> QuerySet[Alert]:
    """Those of accounts that the member may see, and of sources for those who look after sources."""
    of_sources = Q(account=None, source__in=visible_sources(member))
    if sees_everything(member):
        return Alert.objects.filter(Q(account__isnull=False) | of_sources)
    return Alert.objects.filter(Q(account__in=visible_accounts(member)) | of_sources)


def access_alert(member: Member, alert_id: int) -> Alert | None:
    return _joined(visible_alerts(member)).filter(pk=alert_id).first()


def access_alerts(
    member: Member,
    wanted: AlertFilter,
    *,
    order: Order = "severity",
    first: int = 0,
    size: int | None = None,
    now: datetime,
) -> list[Alert]:
    """One page, or all of them, with account, source, version and assignee at hand."""
    rows = _ordered(_joined(_filtered(visible_alerts(member), wanted, now)), order)
    return list(rows[first:] if size is None else rows[first : first + size])


def access_alert_count(member: Member, wanted: AlertFilter, *, now: datetime) -> int:
    return _filtered(visible_alerts(member), wanted, now).count()


def access_alert_counts(member: Member, wanted: AlertFilter, *, now: datetime) -> dict[str, int]:
    """How many alerts each state would list with the rest of the filter as it is."""
    rows = _narrowed(visible_alerts(member), wanted)
    states: tuple[Listed, ...] = ("open", "new", "acknowledged", "put_aside", "closed", "all")
    return rows.aggregate(**{f"{state}_count": Count("pk", filter=_in_state(state, now)) for state in states})


def access_worst_severities(member: Member, package: str, *, now: datetime) -> dict[int, str]:
    """By account the severity of its worst open alert under a package, those put aside left out."""
    rows = visible_alerts(member).filter(_in_state("open", now), package=package, account__isnull=False)
    found: dict[int, str] = {}
    for account, severity in rows.values_list("account", "severity"):
        if account not in found or SEVERITIES.index(severity) < SEVERITIES.index(found[account]):
            found[account] = severity
    return found


def access_alert_rules(member: Member) -> list[tuple[str, str]]:
    """Every rule that has alerts, with a title of it."""
    rows = visible_alerts(member).order_by("rule").values_list("rule").annotate(title=Max("title"))
    return sorted(dict(rows).items(), key=lambda one: one[1])


def access_alert_history(member: Member, alert: Alert) -> list[AuditEntry]:
    """What members did to an alert, oldest first."""
    if not member.is_active:
        return []
    entries = AuditEntry.objects.filter(act__in=ACTS, at__gte=alert.opened_at, noun=f"alert {alert.pk}")
    return list(entries.order_by("at", "pk"))


def access_assignees(member: Member) -> Sequence[Member]:
    """Whom an alert may be given to."""
    return list(Member.objects.filter(is_active=True).order_by("name", "email")) if member.is_active else []


def _joined(rows: QuerySet[Alert]) -> QuerySet[Alert]:
    return rows.select_related("account", "account__owner", "source", "assignee")


def _filtered(rows: QuerySet[Alert], wanted: AlertFilter, now: datetime) -> QuerySet[Alert]:
    return _narrowed(rows, wanted).filter(_in_state(wanted.listed, now))


def _narrowed(rows: QuerySet[Alert], wanted: AlertFilter) -> QuerySet[Alert]:
    """By everything but the state."""
    if wanted.severities:
        rows = rows.filter(severity__in=wanted.severities)
    if wanted.rule:
        rows = rows.filter(rule=wanted.rule)
    if wanted.account is not None:
        rows = rows.filter(account=wanted.account)
    if wanted.mine is not None:
        rows = rows.filter(owned_by(wanted.mine, "account__") | Q(assignee=wanted.mine.pk, assignee__isnull=False))
    if wanted.assignee:
        nobody = wanted.assignee == "nobody"
        rows = rows.filter(assignee=None) if nobody else rows.filter(assignee__email=wanted.assignee)
    if wanted.segment:
        held = SegmentAccount.objects.filter(segment=wanted.segment, model=wanted.model)
        rows = rows.filter(account__in=held.values("account"))
    return rows


def _in_state(listed: Listed, now: datetime) -> Q:
    is_aside = Q(snoozed_until__gt=now) | ~Q(snoozed_evidence="")
    is_open = Q(closed_at=None) & ~is_aside
    states = {
        "open": is_open,
        "new": is_open & Q(acknowledged_at=None),
        "acknowledged": is_open & Q(acknowledged_at__isnull=False),
        "put_aside": Q(closed_at=None) & is_aside,
        "closed": Q(closed_at__isnull=False),
    }
    return states.get(listed, Q())


def _ordered(rows: QuerySet[Alert], order: Order) -> QuerySet[Alert]:
    """The worst first, those due soonest first, or the newest first; what is equal then by age."""
    due = F("respond_by").asc(nulls_last=True)
    if order == "newest":
        return rows.order_by("-opened_at", "-pk")
    if order == "due":
        return rows.order_by(due, "opened_at", "pk")
    ranks = (When(severity=severity, then=Value(place)) for place, severity in enumerate(SEVERITIES))
    return rows.annotate(rank=Case(*ranks, default=Value(len(SEVERITIES)))).order_by("rank", due, "opened_at", "pk")
