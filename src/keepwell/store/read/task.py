"""Tasks, as members may see them."""

from typing import Literal

from django.db.models import Q, QuerySet

from keepwell.store.models import Member, Task
from keepwell.store.read.scope import may_act_at, visible_accounts

TaskListed = Literal["to_do", "done", "all"]


def visible_tasks(member: Member) -> QuerySet[Task]:
    rows = Task.objects.filter(account__in=visible_accounts(member))
    return rows.select_related("account__owner", "assignee", "enrolment", "written")


def access_task(member: Member, task_id: int) -> Task | None:
    return visible_tasks(member).filter(pk=task_id).first()


def access_tasks(
    member: Member, listed: TaskListed = "to_do", *, mine: bool = False, account: int | None = None
) -> QuerySet[Task]:
    """What is to do by when it is due; what was done, the newest first. `mine` is the member's and nobody's."""
    rows = visible_tasks(member)
    if listed != "all":
        rows = rows.filter(done_at__isnull=listed == "to_do")
    if mine:
        rows = rows.filter(Q(assignee=member.pk) | Q(assignee=None))
    if account is not None:
        rows = rows.filter(account=account)
    return rows.order_by("-done_at", "-pk") if listed == "done" else rows.order_by("due_at", "pk")


def may_handle(member: Member, task: Task) -> bool:
    return may_act_at(member, task.account, task.assignee_id)
