"""What the decisions of a step would come to: messages with their exact text, tasks, notices, offers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from keepwell.facts.meeting import Meeting
from keepwell.jobs.diagnosis import diagnosis
from keepwell.jobs.enrolment_effect import Effects
from keepwell.jobs.enrolment_start import refusal_told
from keepwell.jobs.enrolment_state import Course
from keepwell.jobs.notify import no_program
from keepwell.jobs.text_field import FieldValues, sender_name
from keepwell.jobs.touch_meeting import meeting_of
from keepwell.playbooks.decision import (
    Assign,
    Consult,
    CreateTask,
    Decision,
    Enrol,
    Notify,
    Offer,
    PostEvent,
    Send,
    ShowInApp,
    WriteDocument,
)
from keepwell.playbooks.render import MessageError
from keepwell.playbooks.start import Earlier, start_refusal
from keepwell.store.models import Account, Member, Touch
from keepwell.store.read.package import playbooks_of


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the one voice makes of a message at a moment: leave, hold (`until`), suppress, or ask the role `asked`."""

    at: datetime
    act: str
    because: str = ""
    until: datetime | None = None
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it would leave. `unwritten` says why there is no text, else ""; `meeting` is what it invites to.

    `approve_by` is the role that must say yes, with who holds it, "" for nobody. `voice` supposes that they do at once.
    """

    channel: str
    template: str
    sender: str
    approve_by: str
    subject: str = ""
    text: str = ""
    unwritten: str = ""
    meeting: Meeting | None = None
    voice: list[Spoken] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Deed:
    """What would be done, as a sentence. `due_at` is by when, of work, and `document` what is written for it;
    `stands_until` is the end of an offer."""

    sentence: str = ""
    due_at: datetime | None = None
    stands_until: datetime | None = None
    document: str = ""
    message: Message | None = None


def deeds_of(
    decisions: Sequence[Decision],
    course: Course,
    effects: Effects,
    values: FieldValues,
    earlier: Sequence[Earlier],
    now: datetime,
) -> Iterator[tuple[Touch | None, Deed]]:
    """Each decision as what it comes to; beside a message that is written stands its touch, which is no row."""
    for decision in decisions:
        if isinstance(decision, Send | ShowInApp):
            yield _message(decision, course, effects, values, now)
        elif isinstance(decision, CreateTask):
            yield None, _task(decision, course, effects, values)
        elif isinstance(decision, Consult):
            yield None, _consulted(decision, course, effects, values)
        elif isinstance(decision, WriteDocument):
            drafted = CreateTask(decision.origin, decision.role, decision.title, decision.about, decision.template)
            yield None, _task(drafted, course, effects, values)
        elif isinstance(decision, Assign):
            yield from ((None, deed) for deed in _assigned(decision, course, effects))
        elif isinstance(decision, Notify):
            told = _listed([_held(role, course.record.account, effects) for role in decision.roles])
            yield None, Deed(f"Tells {told}: {decision.sentence}")
        elif isinstance(decision, PostEvent):
            yield None, _posted(decision, course, effects)
        elif isinstance(decision, Offer):
            for name, expires_at in decision.expires_at.items():
                yield None, Deed(f"Offers '{name}' ({course.playbook.offers[name].title})", stands_until=expires_at)
        elif isinstance(decision, Enrol):
            yield None, Deed(_enrolled(decision.playbook, course, earlier, now))


def _message(
    decision: Send | ShowInApp, course: Course, effects: Effects, values: FieldValues, now: datetime
) -> tuple[Touch | None, Deed]:
    record, role = course.record, decision.origin.approve_by
    touch = effects.touch(course, decision)
    # A number of its own among these; no row is meant.
    touch.pk = 1 + list(course.state.settled).index(decision.origin.step)
    asked = _held(role, record.account, effects, otherwise="owners and admins") if role else ""
    try:
        mail = values.rendered(record, touch.template, touch.offers, touch.sender_role, touch.sender)
    except MessageError as error:
        message = Message(touch.channel, touch.template, "", asked, unwritten=" ".join(error.reasons))
        return None, Deed(message=message)
    if role:
        touch.approved_at = now
    return touch, Deed(
        message=Message(
            touch.channel,
            touch.template,
            sender_name(touch),
            asked,
            mail.subject,
            mail.text,
            meeting=meeting_of(touch),
        )
    )


def _task(decision: CreateTask, course: Course, effects: Effects, values: FieldValues) -> Deed:
    record = course.record
    task = effects.task(course, decision.origin, decision.role, decision.title, decision.about)
    document = ""
    if decision.document:
        try:
            document = values.rendered(record, decision.document, (), "", None).text
        except MessageError as error:
            document = "The draft could not be written: " + " ".join(error.reasons)
    return Deed(f"A task for {_held(decision.role, record.account, effects)}", task.due_at, document=document)


def _posted(decision: PostEvent, course: Course, effects: Effects) -> Deed:
    ways = effects.programs(effects.notice(course, decision, 0))
    routes = [f"{route} (route {route.pk})" for route, *_ in ways if route is not None]
    if not routes:
        return Deed(f"Posts nothing: {no_program(decision.roles)}")
    return Deed(f"Posts '{decision.event}': {_listed(routes)}")


def _consulted(decision: Consult, course: Course, effects: Effects, values: FieldValues) -> Deed:
    record = course.record
    task = effects.task(course, decision.origin, decision.role, decision.title, decision.about)
    document = diagnosis(values.home, values.engine, record, decision.expert, decision.metrics, values.now)
    return Deed(f"A task for {_held(decision.role, record.account, effects)}", task.due_at, document=document)


def _assigned(decision: Assign, course: Course, effects: Effects) -> Iterator[Deed]:
    account = course.record.account
    chosen = effects.new_owner(account, decision.role)
    if chosen is not None:
        account.owner = Member.objects.get(pk=chosen)
        yield Deed(f"Gives the account to {account.owner}.")
    elif account.owner is not None:
        yield Deed(f"The account stays with {account.owner}.")
    else:
        yield Deed(f"Nobody holds the role {decision.role}, so the account stays without an owner.")
    if decision.must_reach_out:
        who = str(account.owner) if account.owner is not None else "nobody"
        task = effects.task(course, decision.origin, decision.role, "", "")
        yield Deed(f"A task for {who}: Write to or call {account}", task.due_at)


def _enrolled(name: str, course: Course, earlier: Sequence[Earlier], now: datetime) -> str:
    book = playbooks_of(course.record.version).playbooks
    if name not in book:
        return f"Starts nothing: there is no playbook '{name}'."
    known = with_own(course, earlier)
    because = start_refusal(book, name, known, now)
    if because:
        return f"Does not start the playbook '{name}': {refusal_told(because, book[name], name, known)}"
    ends = sorted({one.playbook for one in known if one.finished_at is None} & {*book[name].supersedes})
    return f"Starts the playbook '{name}'" + (f", which ends {', '.join(ends)}." if ends else ".")


def with_own(course: Course, earlier: Sequence[Earlier]) -> list[Earlier]:
    """What there was at the account, this enrolment among it."""
    return [*earlier, Earlier(course.record.playbook, course.record.started_at, course.state.finished_at)]


def _held(role: str, account: Account, effects: Effects, otherwise: str = "nobody holds it") -> str:
    """A role with whoever holds it at the account; `otherwise` is said where nobody does."""
    holder = effects.holder(role, account)
    member = Member.objects.filter(pk=holder).first() if holder is not None else None
    return f"{role} ({member})" if member is not None else f"{role} ({otherwise})"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
