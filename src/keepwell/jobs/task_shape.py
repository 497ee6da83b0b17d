"""Tasks as programs read them. Moments are in UTC."""

from datetime import datetime

from keepwell.jobs.alert_shape import AccountOfSignal, PublicShape, account_of
from keepwell.store.models import Document, Task


class TaskShape(PublicShape):
    """`document` is what was drafted for it, `written` the id of a document that it leads to. `outcome` is "" while it
    is to do; `assignee` is a mail address."""

    id: int
    account: AccountOfSignal
    enrolment: int | None
    step: str
    title: str
    about: str
    document: str
    written: int | None
    role: str
    assignee: str | None
    created_at: datetime
    due_at: datetime
    is_overdue: bool
    done_at: datetime | None
    done_by: str
    outcome: str
    note: str


def task_shape(task: Task, *, now: datetime) -> TaskShape:
    written: Document | None = getattr(task, "written", None)
    return TaskShape(
        id=task.pk,
        account=account_of(task.account),
        enrolment=task.enrolment_id,
        step=task.step,
        title=task.title,
        about=task.about,
        document=task.document,
        written=written.pk if written is not None else None,
        role=task.role,
        assignee=task.assignee.email if task.assignee else None,
        created_at=task.created_at,
        due_at=task.due_at,
        is_overdue=task.done_at is None and task.due_at < now,
        done_at=task.done_at,
        done_by=task.done_by,
        outcome=task.outcome,
        note=task.note,
    )
