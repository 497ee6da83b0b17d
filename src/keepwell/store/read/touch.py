"""Touches, tasks and enrolments, as members may see them."""

from datetime import datetime
from typing import Final, Literal

from django.db.models import Count, Q, QuerySet

from keepwell.facts.notice import ADMIN, CSM
from keepwell.store.models import EnrolmentRecord, Member, Task, Touch
from keepwell.store.read.member import holders_of_roles
from keepwell.store.read.scope import may_act_at, visible_accounts

# What lists of messages may be narrowed to; `waiting` is everything that has not come to its end.
TouchListed = Literal["all", "asked", "waiting", "sent", "suppressed", "failed", "unknown"]
WAITING: Final = ("draft", "todo", "claimed")


def visible_touches(member: Member) -> QuerySet[Touch]:
    joined = ("account", "contact", "enrolment", "sender")
    return Touch.objects.filter(account__in=visible_accounts(member)).select_related(*joined)


def access_touch(member: Member, touch_id: int) -> Touch | None:
    return visible_touches(member).filter(pk=touch_id).first()


def access_touches(member: Member, listed: TouchListed, account: int | None = None) -> QuerySet[Touch]:
    """The newest first; those that wait by when they are due."""
    rows = visible_touches(member)
    if account is not None:
        rows = rows.filter(account=account)
    if listed == "waiting":
        return rows.filter(state__in=WAITING).order_by("due_at", "pk")
    if listed == "asked":
        return rows.filter(state="asked").order_by("due_at", "pk")
    return (rows if listed == "all" else rows.filter(state=listed)).order_by("-queued_at", "-pk")


def touch_counts(member: Member) -> dict[str, int]:
    """How many there are in each state."""
    rows = Touch.objects.filter(account__in=visible_accounts(member)).order_by().values_list("state")
    return dict(rows.annotate(count=Count("pk")))


def may_approve(member: Member, touch: Touch) -> bool:
    """Whoever it speaks for: the account's own CSM, or who holds the role; owners and admins where nobody does."""
    if not member.is_active:
        return False
    if touch.approve_by == CSM and touch.account.owner_id is not None:
        return touch.account.owner_id == member.pk
    holders = holders_of_roles()
    return member.pk in (holders.get(touch.approve_by) or holders[ADMIN])


def visible_tasks(member: Member) -> QuerySet[Task]:
    rows = Task.objects.filter(account__in=visible_accounts(member))
    return rows.select_related("account", "assignee", "enrolment")


def access_task(member: Member, task_id: int) -> Task | None:
    return visible_tasks(member).filter(pk=task_id).first()


def access_tasks(member: Member, *, mine: bool, is_done: bool = False) -> QuerySet[Task]:
    """What is to do by when it is due, or what was done, the newest first; `mine` is the member's and nobody's."""
    rows = visible_tasks(member).filter(done_at__isnull=not is_done)
    if mine:
        rows = rows.filter(Q(assignee=member.pk) | Q(assignee=None))
    return rows.order_by("-done_at", "-pk") if is_done else rows.order_by("due_at", "pk")


def may_handle(member: Member, task: Task) -> bool:
    return may_act_at(member, task.account, task.assignee_id)


def visible_enrolments(member: Member) -> QuerySet[EnrolmentRecord]:
    rows = EnrolmentRecord.objects.filter(account__in=visible_accounts(member))
    return rows.select_related("account", "contact", "version")


def access_enrolment(member: Member, enrolment_id: int) -> EnrolmentRecord | None:
    return visible_enrolments(member).filter(pk=enrolment_id).first()


def access_enrolments(
    member: Member, *, is_open: bool, playbook: str = "", account: int | None = None
) -> QuerySet[EnrolmentRecord]:
    """The newest first."""
    rows = visible_enrolments(member).filter(finished_at__isnull=is_open)
    if playbook:
        rows = rows.filter(playbook=playbook)
    if account is not None:
        rows = rows.filter(account=account)
    return rows.order_by("-started_at", "-pk")


def overdue_steps(now: datetime) -> QuerySet[EnrolmentRecord]:
    """Enrolments whose next step was due before a moment and was not looked at, those that wait longest first."""
    return EnrolmentRecord.objects.filter(finished_at=None, due_at__lt=now).order_by("due_at")
