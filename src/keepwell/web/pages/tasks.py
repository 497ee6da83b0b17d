"""Tasks: what is to be done by people, by when, and what came of it?"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from keepwell.base.business_time import Calendar
from keepwell.base.clock import SystemClock
from keepwell.base.figure import passed
from keepwell.base.wall_time import instant_of, local_time
from keepwell.jobs.playbook_words import OUTCOMES
from keepwell.jobs.task import LONGEST_NOTE, Outcome, do_assign_task, do_complete_task, do_reopen_task
from keepwell.store.models import Member, Task
from keepwell.store.read.alert import access_assignees
from keepwell.store.read.task import access_task, access_tasks, may_handle
from keepwell.web.pages.alert_act import done_on_list
from keepwell.web.pages.frame import Choice, EmptyState, member_of

MOST: Final = 200
DONE_SHOWN: Final = 50
WHOSE: Final = {"": "Everybody's", "mine": "Yours and nobody's"}


@dataclass(frozen=True, slots=True)
class TypedNote:
    """A note that could not be taken, and why."""

    task: int
    note: str
    error: str


@dataclass(frozen=True, slots=True)
class TaskLine:
    """`due` is by when, in words; `outcome` what came of it."""

    task: Task
    due: str
    is_overdue: bool
    outcome: str
    may_act: bool
    note: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    title: str
    lines: Sequence[TaskLine]
    more: int


@dataclass(frozen=True, slots=True)
class Context:
    as_of: datetime
    tabs: Sequence[Choice]
    groups: Sequence[Group]
    to_do: int
    whose: str
    members: Sequence[Member]
    outcomes: Sequence[tuple[str, str]]
    empty: EmptyState | None
    longest_note: int = LONGEST_NOTE


@require_safe
def tasks_page(request: HttpRequest) -> HttpResponse:
    return _page(request, "mine" if request.GET.get("whose") == "mine" else "")


@require_POST
def complete_task(request: HttpRequest, task_id: int) -> HttpResponse:
    member, task, now = _asked(request, task_id)
    if request.POST.get("outcome") not in OUTCOMES:
        raise Http404
    outcome, note = cast("Outcome", request.POST["outcome"]), request.POST.get("note", "")
    return _handled(
        request,
        task,
        lambda: do_complete_task(task, outcome=outcome, note=note, by=member.email, now=now),
        f"“{task.title}” at {task.account}: {OUTCOMES[outcome].lower()}.",
    )


@require_POST
def assign_task(request: HttpRequest, task_id: int) -> HttpResponse:
    member, task, now = _asked(request, task_id)
    email = request.POST.get("to", "")
    to = next((one for one in access_assignees(member) if one.email == email), None)
    if email and to is None:
        raise Http404
    told = f"“{task.title}” belongs to {to.name or to.email if to else 'nobody'} now."
    return _handled(request, task, lambda: do_assign_task(task, to, by=member.email, now=now), told)


@require_POST
def reopen_task(request: HttpRequest, task_id: int) -> HttpResponse:
    member, task, now = _asked(request, task_id)
    told = f"“{task.title}” is to do again."
    return _handled(request, task, lambda: do_reopen_task(task, by=member.email, now=now), told)


def task_groups(now: datetime, calendar: Calendar) -> dict[str, tuple[str, Callable[[Task], bool]]]:
    """The groups of what is to do, each with what belongs to it. Today ends with the team's day."""
    day = local_time(now, calendar.place).date() + timedelta(days=1)
    end = instant_of(datetime.combine(day, time()), calendar.place)
    return {
        "overdue": ("Overdue", lambda task: task.due_at < now),
        "today": ("Today", lambda task: now <= task.due_at < end),
        "later": ("Later", lambda task: task.due_at >= end),
    }


def _handled(request: HttpRequest, task: Task, act: Callable[[], None], told: str) -> HttpResponse:
    """What could not be taken is shown again as it was typed, while the task is still to do."""

    def again(whose: str, error: str) -> HttpResponse | None:
        note = request.POST.get("note", "")
        is_to_do = note and Task.objects.filter(pk=task.pk, done_at=None).exists()
        return _page(request, whose, TypedNote(task.pk, note, error)) if is_to_do else None

    return done_on_list(request, "tasks", act, told, again)


def _asked(request: HttpRequest, task_id: int) -> tuple[Member, Task, datetime]:
    member = member_of(request)
    task = access_task(member, task_id)
    if task is None:
        raise Http404
    if not may_handle(member, task):
        raise PermissionDenied
    return member, task, SystemClock().now()


def _page(request: HttpRequest, whose: str, typed: TypedNote | None = None) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    to_do = list(access_tasks(member, mine=bool(whose)))
    groups = [
        _group(name, title, [task for task in to_do if belongs(task)], member, typed, now)
        for name, (title, belongs) in task_groups(now, settings.KEEPWELL.calendar).items()
    ]
    finished = access_tasks(member, "done", mine=bool(whose))
    groups.append(_group("done", "Done", finished[:DONE_SHOWN], member, typed, now))
    page = Context(
        as_of=now,
        tabs=[Choice(name, title, name == whose) for name, title in WHOSE.items()],
        groups=[group for group in groups if group.lines],
        to_do=len(to_do),
        whose=whose,
        members=access_assignees(member),
        outcomes=[(code, word) for code, word in OUTCOMES.items() if code != "done"],
        empty=None if to_do else _nothing(whose, now),
    )
    return render(request, "tasks.html", {"page": page, "here": "tasks"}, status=422 if typed else 200)


def _group(
    name: str, title: str, tasks: Iterable[Task], member: Member, typed: TypedNote | None, now: datetime
) -> Group:
    lines = [_line(task, member, typed, now) for task in tasks]
    return Group(name, title, lines[:MOST], len(lines[MOST:]))


def _line(task: Task, member: Member, typed: TypedNote | None, now: datetime) -> TaskLine:
    own = typed if typed is not None and typed.task == task.pk else None
    is_overdue = task.done_at is None and task.due_at < now
    left = passed(abs(task.due_at - now))
    return TaskLine(
        task=task,
        due=f"overdue by {left}" if is_overdue else f"due in {left}",
        is_overdue=is_overdue,
        outcome=next((word for code, word in OUTCOMES.items() if code == task.outcome), ""),
        may_act=may_handle(member, task),
        note=own.note if own else "",
        error=own.error if own else "",
    )


def _nothing(whose: str, now: datetime) -> EmptyState:
    title = "Nothing is left for you to do" if whose else "Nothing is to do"
    return EmptyState("all_clear", title, f"Looked at {now:%H:%M} UTC. Playbooks give tasks after a signal.")
