"""How an enrolment begins and ends by somebody's hand, and what its beginning has in common with that by a signal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from keepwell.base.business_time import Calendar
from keepwell.base.errors import UserError, nearest
from keepwell.jobs.audit import record_act
from keepwell.jobs.contact import Addressee, addressees
from keepwell.jobs.enrolment_state import Course, courses_of, do_write_courses, kept_calendar, new_course
from keepwell.jobs.package import newest_versions
from keepwell.jobs.score_book import SCORES_TURN
from keepwell.jobs.task import do_drop_tasks
from keepwell.playbooks.advance import end_enrolment
from keepwell.playbooks.arm import assign_arm
from keepwell.playbooks.enrolment import Enrolment
from keepwell.playbooks.playbook import ENDED_BY_MEMBER, SUPERSEDED, Playbook
from keepwell.playbooks.start import ALREADY_OPEN, Earlier, start_refusal
from keepwell.signals.book import Noun
from keepwell.store.claim import take_turn
from keepwell.store.models import Account, CurrentScore, EnrolmentRecord, ModelVersion
from keepwell.store.read.package import playbooks_of, signals_about


@dataclass(frozen=True, slots=True)
class Cause:
    """The signal that a playbook starts on; `pk` is that of its row. Without values: it starts by hand."""

    noun: Noun | str = ""
    rule: str = ""
    pk: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Everything that an enrolment begins with. `nano_points` and `band` are None and "" where no score is known."""

    version: ModelVersion
    account: Account
    playbook: str
    cause: Cause
    addressee: Addressee
    calendar: Calendar
    nano_points: int | None
    band: str
    by: str
    at: datetime

    def course(self) -> Course:
        """The enrolment, not written yet."""
        playbook = playbooks_of(self.version).playbooks[self.playbook]
        record = EnrolmentRecord(
            account=self.account,
            contact_id=self.addressee.contact,
            package=self.version.model.partition("/")[0],
            playbook=self.playbook,
            title=playbook.title,
            version=self.version,
            signal_noun=self.cause.noun,
            signal=self.cause.rule,
            signal_id=self.cause.pk,
            arm=assign_arm(self.playbook, self.account.key, playbook.arms, playbook.holdout),
            started_at=self.at,
            started_by=self.by,
            contact_calendar=kept_calendar(self.addressee.calendar),
            team_calendar=kept_calendar(self.calendar),
            nano_points_at_start=self.nano_points,
            band_at_start=self.band,
        )
        return new_course(record, playbook)


def take_state(course: Course, state: Enrolment, due_at: datetime | None) -> None:
    """What an advance came to becomes the state of the course."""
    course.state = state
    course.record.due_at = due_at


def end_course(course: Course, because: str, now: datetime) -> None:
    """The end from outside; what was to come is skipped."""
    take_state(course, end_enrolment(course.playbook, course.state, because, now).enrolment, None)


def earlier_enrolments(package: str, accounts: Sequence[int]) -> dict[int, list[Earlier]]:
    """By account, the enrolments of the package there were, open ones among them."""
    found: dict[int, list[Earlier]] = {account: [] for account in accounts}
    rows = EnrolmentRecord.objects.filter(package=package, account__in=accounts).order_by("pk")
    for account, playbook, started_at, finished_at in rows.values_list(
        "account_id", "playbook", "started_at", "finished_at"
    ):
        found[account].append(Earlier(playbook, started_at, finished_at))
    return found


def playbook_versions() -> dict[str, ModelVersion]:
    """By package, its newest version with playbooks."""
    return {
        version.model.partition("/")[0]: version
        for version in newest_versions()
        if signals_about(version) is not None and playbooks_of(version).playbooks
    }


def versions_with(playbook: str) -> list[ModelVersion]:
    """The newest versions that have the playbook, or all of them for ""; refused where there is none."""
    versions = playbook_versions()
    if not versions:
        raise UserError("No package with playbooks is published yet. Publish one: keepwell model publish PACKAGE.")
    known = sorted({name for version in versions.values() for name in playbooks_of(version).playbooks})
    if playbook and playbook not in known:
        raise UserError(
            f"There is no playbook '{playbook}'.{nearest(playbook, known)} 'keepwell playbooks list' shows them."
        )
    return [one for one in versions.values() if not playbook or playbook in playbooks_of(one).playbooks]


def playbook_choices() -> dict[str, str]:
    """The playbooks that an account can be sent through, with their titles, by title."""
    books = [playbooks_of(version).playbooks for version in playbook_versions().values()]
    titles = {name: playbook.title for book in books for name, playbook in book.items()}
    return dict(sorted(titles.items(), key=lambda one: one[1]))


def refusal_told(because: str, playbook: Playbook, name: str, earlier: Sequence[Earlier]) -> str:
    """What `start_refusal` says, as a sentence."""
    if because == ALREADY_OPEN:
        return "The account is going through it already."
    if because.startswith("superseded_by_"):
        return f"The playbook '{because.removeprefix('superseded_by_')}' is open there and goes before it."
    last = max(one.started_at for one in earlier if one.playbook == name)
    again_at = last + playbook.again_after
    return f"It last started on {last:%Y-%m-%d}, and may start again from {again_at:%Y-%m-%d %H:%M} UTC on."


def do_start_playbook(
    account: Account, playbook: str, calendar: Calendar, *, by: str, now: datetime
) -> EnrolmentRecord:
    """Begin a playbook at an account; the next turn of the worker does what is due at once.

    `calendar` is the team's. Refused where the playbook would not start by a signal either. Open enrolments that it
    supersedes end.
    """
    versions = versions_with(playbook)
    if len(versions) > 1:
        packages = " and ".join(sorted(version.model.partition("/")[0] for version in versions))
        raise UserError(f"The playbook '{playbook}' is in the packages {packages}; name it otherwise in one of them.")
    (version,) = versions
    package, book = version.model.partition("/")[0], playbooks_of(version).playbooks
    current = CurrentScore.objects.filter(account=account, model=version.model).first()
    if current is None:
        raise UserError(f"{account} has no score by {version.model}: without news of it, or after its subscription.")
    with transaction.atomic():
        # A look that starts the same playbook has it, too.
        take_turn(SCORES_TURN)
        earlier = earlier_enrolments(package, [account.pk])[account.pk]
        because = start_refusal(book, playbook, earlier, now)
        if because:
            told = refusal_told(because, book[playbook], playbook, earlier)
            raise UserError(f"The playbook '{playbook}' does not start at {account}: {told}")
        beginning = Beginning(
            version=version,
            account=account,
            playbook=playbook,
            cause=Cause(),
            addressee=addressees(version, {account.pk: account}, [account.pk], calendar)[account.pk],
            calendar=calendar,
            nano_points=current.nano_points,
            band=current.band,
            by=by,
            at=now,
        )
        course = beginning.course()
        course.record.due_at = now
        ended = _superseded(package, account, book[playbook].supersedes, now)
        do_write_courses([*ended, course])
        do_drop_tasks([one.record.pk for one in ended], now=now)
        details = {"playbook": playbook, "enrolment": course.record.pk, "ended": [one.record.pk for one in ended]}
        record_act("playbook_started", f"account:{account.pk}", details, by=by, now=now)
    return course.record


def do_end_playbook(enrolment: int, *, by: str, now: datetime) -> EnrolmentRecord:
    """End an enrolment; its messages that wait are suppressed, its tasks are needed no more."""
    with transaction.atomic():
        rows = EnrolmentRecord.objects.select_related("version", "account").filter(pk=enrolment)
        record = rows.select_for_update(of=("self",)).first()
        if record is None:
            raise UserError(f"There is no enrolment {enrolment}. 'keepwell playbooks list' shows the open ones.")
        if record.finished_at is not None:
            raise UserError(f"The enrolment {enrolment} ended on {record.finished_at:%Y-%m-%d %H:%M} UTC already.")
        (course,) = courses_of([record])
        end_course(course, ENDED_BY_MEMBER, now)
        do_write_courses([course])
        do_drop_tasks([record.pk], now=now)
        record_act("playbook_ended", f"account:{record.account_id}", {"enrolment": record.pk}, by=by, now=now)
    return record


def _superseded(package: str, account: Account, names: Sequence[str], now: datetime) -> list[Course]:
    rows = EnrolmentRecord.objects.filter(package=package, account=account, playbook__in=names, finished_at=None)
    courses = courses_of(list(rows.select_related("version").order_by("pk").select_for_update(of=("self",))))
    for course in courses:
        end_course(course, SUPERSEDED, now)
    return courses
