"""What a playbook would do at an account if it started, everything stayed as it is, and nobody answered.

It decides, writes and judges by the rules that the live turns go by, and writes no row.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from keepwell.base.settings import Settings
from keepwell.facts.notice import CSM
from keepwell.jobs.arbitration import HELD_BACK, judge_touches
from keepwell.jobs.enrolment_effect import MAIL, Effects
from keepwell.jobs.enrolment_start import (
    Beginning,
    Cause,
    refusal_told,
    take_state,
    versions_with,
)
from keepwell.jobs.preview_place import Place, notes_of, place_of
from keepwell.jobs.preview_step import Deed, Message, Spoken, deeds_of, with_own
from keepwell.jobs.preview_words import end_words, skip_words
from keepwell.jobs.signal_evidence import Scene
from keepwell.jobs.text_field import FieldValues
from keepwell.lake.engine import Engine
from keepwell.playbooks.advance import Advance, advance, end_enrolment
from keepwell.playbooks.decision import Enrol, Finish
from keepwell.playbooks.enrolment import Enrolment
from keepwell.playbooks.playbook import SUPERSEDED
from keepwell.playbooks.start import start_refusal
from keepwell.playbooks.step import Step
from keepwell.playbooks.steps.calendar import MEETING_BEGUN
from keepwell.playbooks.voice import Said, Verdict
from keepwell.store.models import Account, Contact, Touch
from keepwell.store.read.package import playbooks_of

# Stands for the enrolment that is not there: no row has this number.
NO_ROW: Final = 0
BY: Final = "preview"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step at the moment when it would have its turn; `skipped` says why it would not be done, else ""."""

    at: datetime
    clock: str
    zone: str
    step: str
    kind: str
    title: str
    skipped: str = ""
    deeds: list[Deed] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Preview:
    """One playbook at one account. `refused` says why it would not start now by itself, else ""."""

    package: str
    playbook: str
    title: str
    priority: int
    starts_on: Sequence[str]
    starts_at: datetime
    refused: str
    supersedes: Sequence[str]
    arm: str
    to: str
    contact_zone: str
    team_zone: str
    steps: Sequence[PlannedStep]
    ends_at: datetime
    because: str
    because_told: str


@dataclass(frozen=True, slots=True)
class Previews:
    """`notes` hold for all messages: that sending is off, or that others wait for the same contact."""

    account: str
    as_of: datetime
    notes: Sequence[str]
    playbooks: Sequence[Preview]


def preview_playbooks(
    settings: Settings, engine: Engine, account: Account, playbook: str, starts_at: datetime, *, now: datetime
) -> Previews:
    """The playbook, or with "" every one, each as if it started alone at `starts_at`, with the values as of now."""
    versions = versions_with(playbook)
    found: list[Preview] = []
    contacts: set[int] = set()
    for version in versions:
        place = place_of(settings, engine, version, account, now)
        if place.addressee.contact is not None:
            contacts.add(place.addressee.contact)
        book = playbooks_of(version).playbooks
        names = [playbook] if playbook else sorted(book, key=lambda one: (-book[one].priority, one))
        found += [_Play(place, name, starts_at).preview() for name in names]
    return Previews(account.key, now, notes_of(settings, versions, contacts), found)


class _Play:
    """One playbook from its start to its end."""

    def __init__(self, place: Place, name: str, starts_at: datetime) -> None:
        self._place = place
        self._starts_at = starts_at
        self._account = Account.objects.select_related("owner").get(pk=place.account)
        scene, panel = place.scene, place.facts.panel
        # Of its own, since a step may give the account another owner.
        self._scene = Scene(
            scene.home, scene.book, scene.version, panel, {place.account: self._account}, scene.calendar, {}
        )
        band = int(panel.band[0])
        self._course = Beginning(
            version=scene.version,
            account=self._account,
            playbook=name,
            cause=Cause(),
            addressee=place.addressee,
            calendar=scene.calendar,
            nano_points=int(panel.nano_points[0]) if panel.has_score[0] else None,
            band=panel.bands[band] if band >= 0 else "",
            by=BY,
            at=starts_at,
        ).course()
        self._course.record.pk = NO_ROW
        self._values = FieldValues(scene.home, place.engine, [self._course.record], place.now)
        self._steps: list[PlannedStep] = []
        self._messages: dict[int, tuple[Touch, Message]] = {}
        self._said: dict[int, list[Said]] = defaultdict(list)

    def preview(self) -> Preview:
        moment: datetime | None = self._starts_at
        while moment is not None:
            if not self._course.state.is_finished:
                self._advance(moment)
            self._speak(moment)
            moment = self._next()
        record, state, playbook = self._course.record, self._course.state, self._course.playbook
        book, earlier = playbooks_of(record.version).playbooks, self._place.earlier
        refused = start_refusal(book, record.playbook, earlier, self._starts_at)
        open_ones = {one.playbook for one in earlier if one.finished_at is None}
        return Preview(
            package=record.package,
            playbook=record.playbook,
            title=record.title,
            priority=playbook.priority,
            starts_on=playbook.starts_on,
            starts_at=self._starts_at,
            refused=refusal_told(refused, playbook, record.playbook, earlier) if refused else "",
            supersedes=[] if refused else [name for name in playbook.supersedes if name in open_ones],
            arm=record.arm,
            to=_addressed(record.contact),
            contact_zone=state.contact_calendar.zone,
            team_zone=state.team_calendar.zone,
            steps=self._steps,
            ends_at=state.finished_at or self._starts_at,
            because=state.finished_because,
            because_told=end_words(state.finished_because),
        )

    def _next(self) -> datetime | None:
        due = [touch.due_at for touch, _ in self._messages.values()]
        if self._course.record.due_at is not None:
            due.append(self._course.record.due_at)
        return min(due, default=None)

    def _advance(self, now: datetime) -> None:
        course, before = self._course, self._course.state
        found = advance(course.playbook, before, self._place.facts, now)
        self._take(found, before, now)
        if not found.enrolment.is_finished and self._is_superseded(found, now):
            ended = end_enrolment(course.playbook, course.state, SUPERSEDED, now)
            self._take(ended, found.enrolment, now)

    def _is_superseded(self, found: Advance, now: datetime) -> bool:
        """Whether a step started a playbook that ends this one."""
        record, book = self._course.record, playbooks_of(self._course.record.version).playbooks
        known = with_own(self._course, self._place.earlier)
        started = [one.playbook for one in found.decisions if isinstance(one, Enrol) and one.playbook in book]
        return any(
            record.playbook in book[name].supersedes and not start_refusal(book, name, known, now) for name in started
        )

    def _take(self, found: Advance, before: Enrolment, now: datetime) -> None:
        course = self._course
        take_state(course, found.enrolment, found.due_at)
        record, state = course.record, course.state
        record.finished_at, record.finished_because = state.finished_at, state.finished_because
        self._values.learn_offers(record, {name: made.expires_at for name, made in state.offers.items()})
        effects = Effects(self._scene, now)
        for step in state.settled:
            if step not in before.settled:
                self._settle(step, found, effects, now)

    def _settle(self, name: str, found: Advance, effects: Effects, now: datetime) -> None:
        state, playbook = self._course.state, self._course.playbook
        step = next(one for one in playbook.steps if one.id == name)
        calendar = step.calendar(state.contact_calendar, state.team_calendar)
        clock = "contact" if calendar is state.contact_calendar else "team"
        settled = state.settled[name]
        skipped = skip_words(settled.because, state.finished_because) if settled.status == "skipped" else ""
        planned = PlannedStep(now, clock, calendar.zone, name, step.kind, step.title, skipped)
        self._steps.append(planned)
        decisions = [one for one in found.decisions if not isinstance(one, Finish) and one.origin.step == name]
        for touch, deed in deeds_of(decisions, self._course, effects, self._values, self._place.earlier, now):
            planned.deeds.append(deed)
            if touch is not None and deed.message is not None:
                self._messages[touch.pk] = (touch, deed.message)
        if not skipped and not planned.deeds:
            planned.deeds.append(Deed(_undecided(step, state)))

    def _speak(self, now: datetime) -> None:
        due = [touch for touch, _ in self._messages.values() if touch.due_at <= now]
        offers = self._course.state.offers
        for number, judged in judge_touches(due, self._said, now).items() if due else ():
            touch, message = self._messages[number]
            is_over = any(name in offers and offers[name].expires_at <= now for name in touch.offers)
            verdict = Verdict("suppress", "offer_expired") if is_over else judged
            if touch.starts_at is not None and touch.starts_at <= now:
                verdict = Verdict("suppress", MEETING_BEGUN)
            message.voice.append(_spoken(touch, verdict, now))
            if verdict.act == "hold" and verdict.until is not None:
                touch.due_at = verdict.until
                continue
            del self._messages[number]
            if verdict.act == "leave" and touch.channel == MAIL and touch.contact_id is not None:
                said = Said(at=now, enrolment=NO_ROW, is_automatic=touch.approved_at is None)
                self._said[touch.contact_id].append(said)


def _undecided(step: Step, state: Enrolment) -> str:
    """What a step comes to that decides nothing but the way of the enrolment."""
    paths = sorted(state.paths & set(step.paths()))
    if paths:
        return f"Takes the path '{paths[0]}'."
    return "Ends the playbook." if step.ends_enrolment() else "Waits no longer: what it waits for holds."


def _spoken(touch: Touch, verdict: Verdict, now: datetime) -> Spoken:
    because = HELD_BACK.get(verdict.because, verdict.because)
    asked = touch.approve_by or touch.sender_role or CSM if verdict.act == "ask" else ""
    return Spoken(now, verdict.act, because, verdict.until, asked)


def _addressed(contact: Contact | None) -> str:
    if contact is None:
        return ""
    return f"{contact} <{contact.email}>" if contact.email else str(contact)
