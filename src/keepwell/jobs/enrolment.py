"""Playbooks at work: started by signals that open, followed at every look, and written with it in one transaction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast

from django.db.models import QuerySet

from keepwell.facts.moment import Moment
from keepwell.jobs.audit import record_act
from keepwell.jobs.contact import Addressee, addressees
from keepwell.jobs.enrolment_effect import Effects
from keepwell.jobs.enrolment_start import Beginning, Cause, earlier_enrolments, end_course, take_state
from keepwell.jobs.enrolment_state import Course, courses_of, do_write_courses, has_ended_early
from keepwell.jobs.milestone import is_unwise_to_celebrate
from keepwell.jobs.panel import in_statements, whole_panel
from keepwell.jobs.signal_evidence import Scene
from keepwell.jobs.task import do_drop_tasks
from keepwell.lake.evidence import newest_events
from keepwell.lake.log import EventLog
from keepwell.metrics.event_filter import EventFilter
from keepwell.playbooks.advance import advance
from keepwell.playbooks.decision import Decision, Enrol
from keepwell.playbooks.facts import Facts
from keepwell.playbooks.playbook import CHURNED, SUPERSEDED, Playbook
from keepwell.playbooks.start import Earlier, choose_start, start_refusal
from keepwell.signals.book import Noun
from keepwell.signals.look import Look
from keepwell.signals.panel import Panel
from keepwell.store.models import Alert, EnrolmentRecord, Milestone, ModelVersion, OpportunitySign, Touch
from keepwell.store.read.alert import falling_accounts
from keepwell.store.read.dictionary import name_codes
from keepwell.store.read.opt_out import opted_out_contacts
from keepwell.store.read.package import asking_of, playbooks_of

BY: Final = "worker"
# What counts as an answer: from any contact of the account, so that nobody is pressed whose colleague has answered.
ANSWERS: Final = EventFilter(events=("message_replied", "message_received"))
ANSWERS_READ: Final = 50


@dataclass(slots=True)
class _Part:
    """Accounts that are followed together: their courses, and what opened at them."""

    scene: Scene
    panel: Panel
    reach: Mapping[int, datetime]
    now: datetime
    courses: dict[int, list[Course]] = field(default_factory=lambda: defaultdict(list))
    causes: dict[int, list[Cause]] = field(default_factory=lambda: defaultdict(list))

    def accounts(self) -> list[int]:
        present = set(self.panel.accounts.tolist())
        return sorted((self.courses.keys() | self.causes.keys()) & present)


def do_follow_playbooks(
    scene: Scene, panel: Panel, reach: Mapping[int, datetime], found: Look, ended: Sequence[int], *, now: datetime
) -> None:
    """Start what a look opened, do what is due, and end what is over, at the accounts of a panel that a look had.

    Nothing opens at a quiet look, so nothing starts there; what runs already goes on. `ended` are accounts whose
    subscription is over. Inside the transaction of the look.
    """
    causes = _causes(scene, found)
    for some in in_statements(sorted({*panel.accounts.tolist(), *ended})):
        part = _Part(scene, panel, reach, now)
        for course in courses_of(list(_open_enrolments(scene.package, some))):
            part.courses[course.record.account_id].append(course)
        part.causes.update({account: causes[account] for account in some if account in causes})
        if part.courses or part.causes:
            _follow(part, set(ended))


def _open_enrolments(package: str, accounts: Sequence[int]) -> QuerySet[EnrolmentRecord]:
    """Locked, so that two workers who look at an account at once do nothing twice."""
    rows = EnrolmentRecord.objects.filter(package=package, finished_at=None, account__in=accounts)
    return rows.select_related("version").order_by("pk").select_for_update(of=("self",))


def _causes(scene: Scene, found: Look) -> dict[int, list[Cause]]:
    """What opened at accounts and may start a playbook; what is blocked or unwise may not."""
    asked = {rule for playbook in playbooks_of(scene.version).playbooks.values() for rule in playbook.starts_on}
    opened: dict[Noun, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for change in found.changes:
        if change.transition == "open" and change.rule in asked:
            opened[change.noun][change.rule].append(change.account)
    causes: dict[int, list[Cause]] = defaultdict(list)
    for noun, rules in opened.items():
        for rule, accounts in rules.items():
            for account, pk in _rows_of(scene.package, noun, rule, accounts).items():
                causes[account].append(Cause(noun, rule, pk))
    return dict(causes)


def _rows_of(package: str, noun: Noun, rule: str, accounts: Sequence[int]) -> dict[int, int]:
    if noun == "alert":
        alerts = Alert.objects.filter(package=package, rule=rule, account__in=accounts, closed_at=None)
        return {one.account_id: one.pk for one in alerts if one.account_id is not None}
    if noun == "opportunity":
        signs = OpportunitySign.objects.filter(rule=rule, closed_at=None, opportunity__blocked_because="")
        wanted = signs.filter(opportunity__package=package, opportunity__account__in=accounts)
        return dict(wanted.order_by("pk").values_list("opportunity__account", "pk"))
    milestones = Milestone.objects.filter(package=package, rule=rule, account__in=accounts, state="new")
    return dict(milestones.filter(unwise_because="").order_by("pk").values_list("account", "pk"))


def _follow(part: _Part, ended: set[int]) -> None:
    scene, now = part.scene, part.now
    effects = Effects(scene, now)
    for account in sorted(ended & part.courses.keys()):
        for course in part.courses[account]:
            end_course(course, CHURNED, now)
    starting = [account for account in part.accounts() if account not in ended]
    book = playbooks_of(scene.version).playbooks
    facts = _Known(part)
    earlier = earlier_enrolments(scene.package, starting)
    people = _people(part, [account for account in starting if account in part.causes], facts)
    for account in starting:
        causes = sorted(part.causes.get(account, ()), key=lambda one: (-_loudest(book, one.rule), one.rule))
        for cause in causes:
            start = choose_start(book, cause.rule, earlier[account], now)
            for course in part.courses[account]:
                if course.record.playbook in start.ends and not course.state.is_finished:
                    _end_superseded(course, earlier[account], now)
            if start.playbook:
                _begin(part, account, start.playbook, cause, people[account], earlier[account])
        _advance(part, account, facts, effects, earlier[account])
    courses = [course for some in part.courses.values() for course in some]
    do_write_courses(courses)
    effects.write()
    do_drop_tasks([one.record.pk for one in courses if has_ended_early(one.record)], now=now)
    started = [one.record.pk for one in courses if one.before is None]
    finished = [one.record.pk for one in courses if one.state.is_finished]
    if started or finished or effects.is_any:
        details = {"started": started, "finished": finished, **effects.counts()}
        record_act("playbooks_followed", scene.package, details, by=BY, now=now)


def _loudest(book: Mapping[str, Playbook], rule: str) -> int:
    return max((one.priority for one in book.values() if rule in one.starts_on), default=0)


def _end_superseded(course: Course, earlier: list[Earlier], now: datetime) -> None:
    end_course(course, SUPERSEDED, now)
    _note_end(course, earlier, now)


def _note_end(course: Course, earlier: list[Earlier], now: datetime) -> None:
    place = earlier.index(Earlier(course.record.playbook, course.record.started_at))
    earlier[place] = Earlier(course.record.playbook, course.record.started_at, now)


def _begin(part: _Part, account: int, name: str, cause: Cause, addressee: Addressee, earlier: list[Earlier]) -> None:
    scene, panel = part.scene, part.panel
    row = panel.accounts.tolist().index(account)
    band = int(panel.band[row])
    beginning = Beginning(
        version=scene.version,
        account=scene.accounts[account],
        playbook=name,
        cause=cause,
        addressee=addressee,
        calendar=scene.calendar,
        nano_points=int(panel.nano_points[row]) if panel.has_score[row] else None,
        band=panel.bands[band] if band >= 0 else "",
        by=BY,
        at=part.now,
    )
    part.courses[account].append(beginning.course())
    earlier.append(Earlier(name, part.now))


def _advance(part: _Part, account: int, facts: "_Known", effects: Effects, earlier: list[Earlier]) -> None:
    """Every open enrolment of the account; what a step enrols elsewhere follows in the same look."""
    waiting = [course for course in part.courses[account] if not course.state.is_finished]
    book = playbooks_of(part.scene.version).playbooks
    while waiting:
        course = waiting.pop(0)
        found = advance(course.playbook, course.state, facts.of(course, account), part.now)
        if found.enrolment.is_finished and not course.state.is_finished:
            _note_end(course, earlier, part.now)
        take_state(course, found.enrolment, found.due_at)
        decisions: list[Decision] = []
        for decision in found.decisions:
            if not isinstance(decision, Enrol):
                decisions.append(decision)
            elif decision.playbook in book and not start_refusal(book, decision.playbook, earlier, part.now):
                for other in part.courses[account]:
                    if other.record.playbook in book[decision.playbook].supersedes and not other.state.is_finished:
                        _end_superseded(other, earlier, part.now)
                people = _people(part, [account], facts)
                cause = Cause(course.record.signal_noun, course.record.signal, course.record.signal_id)
                _begin(part, account, decision.playbook, cause, people[account], earlier)
                waiting.append(part.courses[account][-1])
        effects.take(course, decisions)


def _people(part: _Part, accounts: Sequence[int], facts: "_Known") -> dict[int, Addressee]:
    found = addressees(part.scene.version, part.scene.accounts, accounts, part.scene.calendar)
    facts.opted_out |= {one.contact for one in found.values() if one.contact is not None and one.is_opted_out}
    return found


class _Known:
    """What the enrolments of a part are asked about, read once for all of them."""

    def __init__(self, part: _Part) -> None:
        self._part = part
        self._rows = {account: row for row, account in enumerate(part.panel.accounts.tolist())}
        self._panels: dict[int, tuple[dict[int, int], Panel]] = {}
        courses = [course for some in part.courses.values() for course in some]
        contacts = {one.record.contact_id for one in courses if one.record.contact_id is not None}
        self.opted_out = opted_out_contacts(contacts)
        self._open = _open_signals(courses)
        self._answers = self._read_answers(courses)
        self._falling: set[int] | None = None

    def of(self, course: Course, account: int) -> Facts:
        record = course.record
        rows, panel = self._panel(record.version, account)
        answers = [at for at in self._answers.get(account, ()) if at >= record.started_at]
        one = panel.part([rows[account]])
        return Facts(
            panel=one,
            replied_at=min(answers, default=None),
            is_opted_out=record.contact_id in self.opted_out,
            is_signal_open=self._open.get((record.signal_noun, record.signal_id or 0)),
            is_unwise=course.playbook.celebrates and self._is_unwise(record.version, one, account),
        )

    def _is_unwise(self, version: ModelVersion, panel: Panel, account: int) -> bool:
        if self._falling is None:
            self._falling = falling_accounts(self._part.accounts())
        return is_unwise_to_celebrate(version, panel, is_falling=account in self._falling)

    def _panel(self, version: ModelVersion, account: int) -> tuple[dict[int, int], Panel]:
        """The panel as the version's conditions ask for it. What only an older version measured is missing in it."""
        found = self._panels.get(version.pk)
        if found is None or account not in found[0]:
            part = self._part
            accounts = part.accounts()
            asked = asking_of(version)
            panel = whole_panel(
                part.panel.part([self._rows[one] for one in accounts]),
                asked,
                part.scene.home,
                part.scene.version,
                part.reach,
                {},
                is_full=False,
            )
            found = ({one: row for row, one in enumerate(accounts)}, panel)
            self._panels[version.pk] = found
        return found

    def _read_answers(self, courses: Sequence[Course]) -> dict[int, list[datetime]]:
        waiting = [one for one in courses if one.state.replied_at is None and _asks_for_answer(one.playbook)]
        if not waiting:
            return {}
        found: dict[int, list[datetime]] = defaultdict(list)
        accounts = sorted({one.record.account_id for one in waiting})
        log, moment = EventLog(self._part.scene.home.log), Moment.at(self._part.panel.as_of)
        since = min(one.record.started_at for one in waiting)
        events = newest_events(log, [ANSWERS], name_codes(), accounts, moment, most=ANSWERS_READ, since=since)
        for account, some in events.items():
            found[account] += [event.at for event in some]
        touches = Touch.objects.filter(enrolment__in=[one.record.pk for one in waiting], replied_at__isnull=False)
        for account, replied_at in touches.values_list("account_id", "replied_at"):
            found[account].append(cast("datetime", replied_at))
        return found


def _asks_for_answer(playbook: Playbook) -> bool:
    asked = (only for step in playbook.steps for _, only in step.conditions())
    return any(gate.asks_for_answer for only in asked for gate in only.gates)


def _open_signals(courses: Sequence[Course]) -> dict[tuple[str, int], bool]:
    """Whether what started the enrolments still holds; of a milestone nobody can say."""
    asked: dict[str, set[int]] = defaultdict(set)
    for course in courses:
        if course.record.signal_id is not None:
            asked[course.record.signal_noun].add(course.record.signal_id)
    found: dict[tuple[str, int], bool] = {}
    for noun, table in (("alert", Alert), ("opportunity", OpportunitySign)):
        rows = table.objects.filter(pk__in=asked[noun]).values_list("pk", "closed_at") if asked[noun] else ()
        found |= {(noun, pk): closed_at is None for pk, closed_at in rows}
    return found


def due_enrolments(most: int, *, now: datetime) -> list[int]:
    """Accounts with a step that is due, those that wait longest first."""
    return list(dict.fromkeys(due_records(now=now).values_list("account_id", flat=True)[:most]))


def due_records(*, now: datetime) -> QuerySet[EnrolmentRecord]:
    """Those with a step that is due, those that wait longest first; what is over has no step to come."""
    # Asked all the time, so by its index alone: with a further condition SQLite would rather read all that are open.
    return EnrolmentRecord.objects.filter(due_at__lte=now).order_by("due_at")
