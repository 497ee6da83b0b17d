"""Tasks: listed, done, given to somebody, taken back."""

from collections.abc import Callable

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status

from keepwell.base.clock import SystemClock
from keepwell.jobs.task import Outcome, do_assign_task, do_complete_task, do_reopen_task
from keepwell.jobs.task_shape import TaskShape, task_shape
from keepwell.store.models import Member, Task
from keepwell.store.read.account import access_account_named
from keepwell.store.read.alert import access_assignees
from keepwell.store.read.task import TaskListed, access_task, access_tasks
from keepwell.web.api.shape import Id, NotFound, Text
from keepwell.web.api.signal import Body, Note, NotYours, Paged, Refused, acting, answered, nothing
from keepwell.web.pages.frame import member_of

router = Router()
ANSWERS = {200: TaskShape, 403: NotYours, 404: NotFound, 409: Refused}


class TaskList(Schema):
    total: int
    tasks: list[TaskShape]


class TaskQuery(Paged):
    """`account` is a key or an id; `mine` those of whoever asks and of nobody."""

    state: TaskListed = "to_do"
    account: Text = ""
    mine: bool = False


class CompleteBody(Body):
    outcome: Outcome
    note: Note = ""


class TaskAssignBody(Body):
    """`to` is an e-mail address; null for nobody."""

    to: Text | None


@router.get("", response={200: TaskList, 404: NotFound}, summary="Tasks by when they are due")
def list_tasks(request: HttpRequest, query: Query[TaskQuery]) -> Status[object]:
    """Those that were done come the newest first."""
    member, now = member_of(request), SystemClock().now()
    account = access_account_named(member, query.account) if query.account else None
    if query.account and account is None:
        return nothing()
    rows = access_tasks(member, query.state, mine=query.mine, account=account.pk if account else None)
    page = rows[query.first : query.first + query.size]
    return Status(200, TaskList(total=rows.count(), tasks=[task_shape(task, now=now) for task in page]))


@router.get("/{int:task_id}", response={200: TaskShape, 404: NotFound}, summary="One task")
def one_task(request: HttpRequest, task_id: Id) -> Status[object]:
    found = _told(member_of(request), task_id)
    return nothing() if found is None else Status(200, found)


@router.post("/{int:task_id}/complete", response=ANSWERS, summary="Say what came of it")
def complete(request: HttpRequest, task_id: Id, body: CompleteBody) -> Status[object]:
    def act(task: Task, by: str) -> None:
        do_complete_task(task, outcome=body.outcome, note=body.note, by=by, now=SystemClock().now())

    return _handled(request, task_id, act)


@router.post("/{int:task_id}/reopen", response=ANSWERS, summary="Take back what was said of it")
def reopen(request: HttpRequest, task_id: Id) -> Status[object]:
    return _handled(request, task_id, lambda task, by: do_reopen_task(task, by=by, now=SystemClock().now()))


@router.post("/{int:task_id}/assign", response=ANSWERS, summary="Give it to a member, or to nobody")
def assign_task(request: HttpRequest, task_id: Id, body: TaskAssignBody) -> Status[object]:
    member = member_of(request)
    to = next((one for one in access_assignees(member) if one.email == body.to), None)
    if body.to is not None and to is None and access_task(member, task_id) is not None:
        return Status(409, Refused(error=f"Nobody who may sign in has the e-mail address {body.to[:320]!r}."))
    return _handled(request, task_id, lambda task, by: do_assign_task(task, to, by=by, now=SystemClock().now()))


def _handled(request: HttpRequest, task_id: int, act: Callable[[Task, str], None]) -> Status[object]:
    member = member_of(request)
    task = access_task(member, task_id)
    if task is None:
        return nothing()
    by = acting(request, member)
    return answered(member, task.account, task.assignee_id, lambda: act(task, by), lambda: _told(member, task_id))


def _told(member: Member, task_id: int) -> TaskShape | None:
    """As it stands now."""
    found = access_task(member, task_id)
    return task_shape(found, now=SystemClock().now()) if found is not None else None
