"""The steps of an enrolment in the order in which they fall due, each with what became of it and why, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from keepwell.jobs.enrolment_state import Course, courses_of
from keepwell.jobs.playbook_words import OUTCOMES, clock_told, skip_told
from keepwell.jobs.touch_shape import why_told
from keepwell.playbooks.advance import end_of_wait, timetable
from keepwell.playbooks.step import Clock, Step
from keepwell.store.models import EnrolmentRecord, OfferRecord, Task, Touch

StepState = Literal["done", "waiting", "asked", "held_back", "to_come", "skipped", "suppressed", "failed", "unknown"]
WRITING: Final = "Its text is being written."


@dataclass(frozen=True, slots=True)
class StepLine:
    """`at` is when it was settled, or is due, and `when` the same by the `clock` that the step runs on; `told` says why
    it is as it is. `touch` and `task` are what it made."""

    step: str
    kind: str
    title: str
    state: StepState
    told: str
    at: datetime
    when: str
    clock: Clock
    touch: Touch | None = None
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class OfferLine:
    """`state` says whether it stands."""

    offer: OfferRecord
    title: str
    state: Literal["stands", "accepted", "expired"]


@dataclass(frozen=True, slots=True)
class Timeline:
    """What was settled first, then what is to come, each by its time."""

    steps: Sequence[StepLine]
    offers: Sequence[OfferLine]


def read_timeline(record: EnrolmentRecord, *, now: datetime) -> Timeline:
    """Of an enrolment that the reader was let see; with its version and account at hand."""
    (course,) = courses_of([record])
    touches = {one.step: one for one in Touch.objects.filter(enrolment=record).select_related("contact")}
    tasks = {one.step: one for one in Task.objects.filter(enrolment=record).select_related("assignee")}
    settled = [
        _settled(course, step, touches, tasks)
        for _, step in course.playbook.steps_for(record.arm)
        if step.id in course.state.settled
    ]
    to_come = [_to_come(course, step, due_at, now) for due_at, step in timetable(course.playbook, course.state)]
    offers = OfferRecord.objects.filter(enrolment=record).order_by("made_at", "pk")
    return Timeline(
        steps=[*sorted(settled, key=lambda line: line.at), *to_come],
        offers=[_offer(course, offer, now) for offer in offers],
    )


def _settled(course: Course, step: Step, touches: Mapping[str, Touch], tasks: Mapping[str, Task]) -> StepLine:
    found = course.state.settled[step.id]
    touch, task = touches.get(step.id), tasks.get(step.id)
    state: StepState
    if touch is not None:
        state, told, at = _of_touch(course, touch, found.at)
    elif found.status != "done":
        state, told, at = found.status, skip_told(found.because, course.playbook), found.at
    elif task is not None:
        state, told, at = "done" if task.done_at else "waiting", _task_told(task), task.done_at or found.at
    else:
        state, told, at = "done", _path_told(course, step), found.at
    when, clock = _when(course, step, at)
    return StepLine(step.id, step.kind, step.title, state, told, at, when, clock, touch, task)


def _when(course: Course, step: Step, at: datetime) -> tuple[str, Clock]:
    calendar = step.calendar(course.state.contact_calendar, course.state.team_calendar)
    return clock_told(at, calendar), step.clock or step.usual_clock


def _of_touch(course: Course, touch: Touch, decided_at: datetime) -> tuple[StepState, str, datetime]:
    when = clock_told(touch.due_at, course.state.contact_calendar)
    if touch.state == "draft":
        return "waiting", WRITING, decided_at
    if touch.state == "asked":
        told = f"It waits for the yes of {touch.approve_by}"
        return "asked", f"{told}: {touch.held_because}" if touch.held_because else f"{told}.", touch.due_at
    if touch.state == "todo" and touch.held_because:
        return "held_back", f"Held back until {when}: {touch.held_because}", touch.due_at
    if touch.state == "todo":
        return "waiting", f"It leaves at the next turn from {when} on.", touch.due_at
    if touch.state == "claimed":
        return "waiting", "It is being handed to the mail server.", touch.claimed_at or decided_at
    at = touch.settled_at or decided_at
    if touch.state == "sent":
        return "done", _sent_told(touch), at
    if touch.state == "suppressed":
        return "suppressed", why_told(touch), at
    return ("failed" if touch.state == "failed" else "unknown"), why_told(touch), at


def _sent_told(touch: Touch) -> str:
    to = f" to {touch.address}" if touch.address else ""
    parts = [f"It left{to}." if touch.channel == "mail" else "It was given to the product to show."]
    if touch.replied_at is not None:
        parts.append("The contact answered.")
    if touch.bounced_at is not None:
        parts.append("It came back.")
    return " ".join(parts)


def _path_told(course: Course, step: Step) -> str:
    taken = [path for path in step.paths() if path in course.state.paths]
    return f"The account took the path “{taken[0]}”." if taken else ""


def _task_told(task: Task) -> str:
    if task.done_at is None:
        return f"{task.assignee.name if task.assignee else f'Nobody holds {task.role}; anybody'} is to do it."
    outcome = next((word for code, word in OUTCOMES.items() if code == task.outcome), task.outcome)
    told = f"{outcome}, says {task.done_by}"
    return f"{told}: {task.note}" if task.note else f"{told}."


def _to_come(course: Course, step: Step, due_at: datetime, now: datetime) -> StepLine:
    is_on_its_way = step.path is None or step.path in course.state.paths
    end = end_of_wait(course.playbook, step, course.state) if step.waits else due_at
    if is_on_its_way and due_at <= now < end:
        when, clock = _when(course, step, end)
        told = f"It goes on when what it waits for holds, and on {when} at the latest."
        return StepLine(step.id, step.kind, step.title, "waiting", told, end, when, clock)
    parts = ["It waits for the worker's next turn."] if is_on_its_way and due_at <= now else []
    if not is_on_its_way:
        parts.append(f"Only where the account takes the path “{step.path}”.")
    if step.only_if is not None:
        parts.append("Only if what it asks holds then.")
    when, clock = _when(course, step, due_at)
    return StepLine(step.id, step.kind, step.title, "to_come", " ".join(parts), due_at, when, clock)


def _offer(course: Course, offer: OfferRecord, now: datetime) -> OfferLine:
    rule = course.playbook.offers.get(offer.offer)
    title = rule.title if rule is not None else offer.offer
    if offer.accepted_at is not None:
        return OfferLine(offer, title, "accepted")
    return OfferLine(offer, title, "expired" if offer.expires_at <= now else "stands")
