"""Tasks: done with an outcome, given to somebody, taken back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, get_args

from django.db import transaction

from keepwell.base.errors import UserError
from keepwell.jobs.audit import record_act
from keepwell.jobs.notify import do_suppress_notifications
from keepwell.store.models import Member, Task

Outcome = Literal["done", "reached", "not_reached", "not_needed"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
LONGEST_NOTE: Final = 2000
BY: Final = "worker"


def do_complete_task(task: Task, *, outcome: Outcome, note: str, by: str, now: datetime) -> None:
    """Say what came of a task; raises where somebody did before, and nothing is changed."""
    note = note.replace("\r\n", "\n").replace("\0", "\ufffd").strip()
    if len(note) > LONGEST_NOTE:
        raise UserError(f"The note must have at most {LONGEST_NOTE:,} characters; it has {len(note):,}.")
    with transaction.atomic():
        rows = Task.objects.filter(pk=task.pk, done_at=None)
        if not rows.update(done_at=now, done_by=by, outcome=outcome, note=note):
            raise UserError("The task is done already. Load the page again to see what came of it.")
        do_suppress_notifications("task", [task.pk], "It was done already.", by=by, now=now)
        record_act("task_completed", f"task {task.pk}", {"outcome": outcome, "note": note}, by=by, now=now)


def do_drop_tasks(enrolments: Sequence[int], *, now: datetime) -> None:
    """What is still to do for enrolments that ended early is needed no more. Inside the transaction that ends them."""
    rows = Task.objects.filter(enrolment__in=enrolments, done_at=None)
    ids = list(rows.values_list("pk", flat=True))
    if ids:
        rows.update(done_at=now, done_by=BY, outcome="not_needed", note="The playbook had ended.")
        do_suppress_notifications("task", ids, "The playbook had ended.", by=BY, now=now)


def do_reopen_task(task: Task, *, by: str, now: datetime) -> None:
    """Take back what was said of a task, which stays in the audit; raises where nothing was said."""
    with transaction.atomic():
        rows = Task.objects.filter(pk=task.pk, done_at__isnull=False)
        if not rows.update(done_at=None, done_by="", outcome="", note=""):
            raise UserError("The task is to do already; there is nothing to take back.")
        record_act("task_reopened", f"task {task.pk}", {}, by=by, now=now)


def do_assign_task(task: Task, member: Member | None, *, by: str, now: datetime) -> None:
    """Give a task that is to do to a member, or to nobody."""
    with transaction.atomic():
        if not Task.objects.filter(pk=task.pk, done_at=None).update(assignee=member):
            raise UserError("The task is done already, so it cannot be given to anybody.")
        told = {"to": member.email if member is not None else None}
        record_act("task_assigned", f"task {task.pk}", told, by=by, now=now)
