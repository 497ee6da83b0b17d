"""What steps decided, as rows: touches to be written, tasks, notices to members, a new owner of the account."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from keepwell.base.business_time import EVENING, next_business_day
from keepwell.facts.notice import CSM, Notice, Severity
from keepwell.jobs.enrolment_state import Course
from keepwell.jobs.notify import Recipients, Way, do_queue_notifications, no_program
from keepwell.jobs.signal_evidence import Scene
from keepwell.playbooks.decision import (
    Assign,
    Consult,
    CreateTask,
    Decision,
    Notify,
    Origin,
    PostEvent,
    Send,
    ShowInApp,
    WriteDocument,
)
from keepwell.playbooks.voice import IN_APP
from keepwell.store.models import Account, Document, EnrolmentRecord, StepRecord, Task, Touch
from keepwell.store.read.member import holders_of_roles
from keepwell.store.read.package import playbooks_of, templates_of, voice_of

BY: Final = "worker"
MAIL: Final = "mail"
# Playbooks from this priority on are about accounts that may leave soon.
LOUD: Final = 80


class Effects:
    """Collects what the steps of a look decided, and writes it once their enrolments are written."""

    def __init__(self, scene: Scene, now: datetime) -> None:
        self._scene = scene
        self._now = now
        self._holders = holders_of_roles()
        self._touches: list[Touch] = []
        self._tasks: list[Task] = []
        self._documents: list[Document] = []
        self._told: list[tuple[Course, Notify | PostEvent]] = []
        self._recipients: Recipients | None = None
        self._count: Counter[str] = Counter()

    @property
    def is_any(self) -> bool:
        return bool(self._count)

    def counts(self) -> dict[str, int]:
        """How many touches, tasks, notices and assignments there were."""
        return dict(self._count)

    def take(self, course: Course, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Send | ShowInApp):
                self._touches.append(self.touch(course, decision))
                self._count["touches"] += 1
            elif isinstance(decision, CreateTask):
                task = self._add_task(course, decision.origin, decision.role, decision.title, decision.about)
                task.template = decision.document
            elif isinstance(decision, WriteDocument):
                self._document(course, decision)
            elif isinstance(decision, Consult):
                task = self._add_task(course, decision.origin, decision.role, decision.title, decision.about)
                task.expert = decision.expert
            elif isinstance(decision, Notify | PostEvent):
                self._told.append((course, decision))
                self._count["notices"] += 1
            elif isinstance(decision, Assign):
                self._assign(course, decision)
                self._count["assignments"] += 1

    def write(self) -> None:
        """Inside the transaction of the look, after the enrolments."""
        Touch.objects.bulk_create(self._touches, batch_size=500)
        Task.objects.bulk_create(self._tasks, batch_size=500)
        Document.objects.bulk_create(self._documents, batch_size=500)
        notices = [self._task_notice(task) for task in self._tasks if task.assignee_id is not None]
        notices += self._told_notices()
        do_queue_notifications(notices, calendar=self._scene.calendar, by=BY, now=self._now)

    def touch(self, course: Course, decision: Send | ShowInApp) -> Touch:
        """What such a decision becomes, not written."""
        record, origin = course.record, decision.origin
        book = templates_of(record.version)
        template = book.templates.get(decision.template) if book is not None else None
        late_at = origin.late_at or origin.due_at
        # The night does not count: what is due in it has as long in the morning.
        quiet_until = voice_of(record.version).quiet_until(origin.due_at, course.state.contact_calendar)
        late_at = max(late_at, quiet_until + (late_at - origin.due_at))
        touch = Touch(
            enrolment=record,
            account_id=record.account_id,
            contact_id=record.contact_id,
            step=origin.step,
            channel=MAIL if isinstance(decision, Send) else IN_APP,
            template=decision.template,
            purpose=template.head.purpose if template is not None else "retention",
            priority=course.playbook.priority,
            sender_role=decision.sender,
            sender_id=self.holder(decision.sender, self._scene.accounts[record.account_id]),
            offers=list(decision.offers),
            approve_by=origin.approve_by,
            queued_at=self._now,
            due_at=origin.due_at,
            late_at=late_at,
            late=origin.late,
        )
        meeting = decision.meeting if isinstance(decision, Send) else None
        if meeting is not None:
            link = book.settings.links.get(meeting.place) if book is not None else None
            touch.starts_at, touch.ends_at = meeting.starts_at, meeting.ends_at
            touch.place = link.url if link is not None else meeting.place
        return touch

    def task(self, course: Course, origin: Origin, role: str, title: str, about: str) -> Task:
        """The work of such a decision, not written."""
        record = course.record
        due_at = origin.done_by or next_business_day(self._now, course.state.team_calendar, EVENING).due_at
        return Task(
            account_id=record.account_id,
            enrolment=record,
            step=origin.step,
            role=role,
            assignee_id=self.holder(role, self._scene.accounts[record.account_id]),
            title=title,
            about=about,
            created_at=self._now,
            due_at=due_at,
        )

    def holder(self, role: str, account: Account) -> int | None:
        """Who holds a role at an account: its owner as CSM, else whoever was given the role first."""
        if role == CSM and account.owner_id is not None:
            return account.owner_id
        return next(iter(self._holders.get(role, ())), None)

    def new_owner(self, account: Account, role: str) -> int | None:
        """The member of the role with the fewest accounts; None where the owner stays."""
        holders = self._holders.get(role, [])
        if account.owner_id is not None and (not holders or account.owner_id in holders):
            return None
        owned = Counter(Account.objects.filter(owner__in=holders).values_list("owner_id", flat=True))
        return min(holders, key=lambda member: (owned[member], member), default=None)

    def _assign(self, course: Course, decision: Assign) -> None:
        """Somebody of the role becomes the owner, unless one of them is already."""
        account = self._scene.accounts[course.record.account_id]
        chosen = self.new_owner(account, decision.role)
        if chosen is not None:
            account.owner_id = chosen
            Account.objects.filter(pk=account.pk).update(owner=chosen)
            waiting = Task.objects.filter(account=account.pk, role=decision.role, assignee=None, done_at=None)
            waiting.update(assignee=chosen)
        if decision.must_reach_out:
            title = f"Write to or call {account}"
            task = self._add_task(course, decision.origin, decision.role, title, course.playbook.about)
            task.assignee_id = account.owner_id

    def _add_task(self, course: Course, origin: Origin, role: str, title: str, about: str) -> Task:
        self._tasks.append(self.task(course, origin, role, title, about))
        self._count["tasks"] += 1
        return self._tasks[-1]

    def _document(self, course: Course, decision: WriteDocument) -> None:
        """A document that waits for its text, and the task that leads to it."""
        record = course.record
        task = self._add_task(course, decision.origin, decision.role, decision.title, decision.about)
        task.template = decision.cover
        self._documents.append(
            Document(
                account_id=record.account_id,
                enrolment=record,
                version=record.version,
                task=task,
                step=decision.origin.step,
                template=decision.template,
                title=decision.title,
                is_shared=decision.is_shared,
                created_at=self._now,
            )
        )
        self._count["documents"] += 1

    def _task_notice(self, task: Task) -> Notice:
        account = self._scene.accounts[task.account_id]
        return Notice(
            subject="task",
            subject_id=task.pk,
            account_name=str(account),
            account_key=account.key,
            title=task.title,
            sentence=task.about or "A playbook asks for it.",
            severity=self._severity(task.enrolment),
            roles=(task.role,),
            link=f"/tasks#task-{task.pk}",
            account_owner_id=account.owner_id,
            respond_by=task.due_at,
        )

    def _told_notices(self) -> list[Notice]:
        """What steps tell members and programs; the step that no program hears of is marked so."""
        if not self._told:
            return []
        records = {course.record.pk for course, _ in self._told}
        steps = StepRecord.objects.filter(enrolment__in=records)
        ids = {(enrolment, step): pk for pk, enrolment, step in steps.values_list("pk", "enrolment_id", "step")}
        found = []
        for course, decision in self._told:
            step = ids[course.record.pk, decision.origin.step]
            notice = self.notice(course, decision, step)
            if isinstance(decision, PostEvent) and not self.programs(notice):
                StepRecord.objects.filter(pk=step).update(state="skipped", because=no_program(decision.roles)[:300])
            found.append(notice)
        return found

    def notice(self, course: Course, decision: Notify | PostEvent, step: int) -> Notice:
        """What such a decision tells; `step` is the number of its row."""
        record, origin = course.record, decision.origin
        account = self._scene.accounts[record.account_id]
        notice = Notice(
            subject="step",
            subject_id=step,
            account_name=str(account),
            account_key=account.key,
            title=record.title,
            sentence=decision.sentence if isinstance(decision, Notify) else f"Step of the playbook: {record.title}",
            severity=self._severity(record),
            roles=decision.roles,
            link=f"/enrolments/{record.pk}",
            account_owner_id=account.owner_id,
            respond_by=origin.done_by,
            data={"package": record.package, "playbook": record.playbook, "step": origin.step},
        )
        if isinstance(decision, Notify):
            return notice
        data = {**notice.data, "score": decision.score, "band": decision.band, "data": dict(decision.data)}
        return replace(notice, title=decision.title, event=decision.event, data=data)

    def programs(self, notice: Notice) -> list[Way]:
        """The routes by which programs would hear of it."""
        if self._recipients is None:
            self._recipients = Recipients.read()
        return self._recipients.programs(notice)

    def _severity(self, record: EnrolmentRecord | None) -> Severity:
        if record is None:
            return "medium"
        return "high" if playbooks_of(record.version).playbooks[record.playbook].priority >= LOUD else "medium"
