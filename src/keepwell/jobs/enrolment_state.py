"""Enrolments between their rows and the values that the rules of playbooks work with."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Final, cast

from keepwell.base.business_time import Calendar
from keepwell.jobs.update_rows import update_rows
from keepwell.playbooks.enrolment import Enrolment, OfferMade, Settled, Status
from keepwell.playbooks.playbook import COMPLETED, Playbook
from keepwell.playbooks.steps.finish import BY_STEP
from keepwell.store.models import EnrolmentRecord, OfferRecord, StepRecord
from keepwell.store.read.package import playbooks_of

# Nothing was left to do after the last message: it leaves although its enrolment is over.
LAST_WORDS: Final = (COMPLETED, BY_STEP)


@dataclass(slots=True)
class Course:
    """One enrolment as it is being followed: its row, its playbook, and the state before and now."""

    record: EnrolmentRecord
    playbook: Playbook
    before: Enrolment | None
    state: Enrolment

    def new_steps(self) -> dict[str, Settled]:
        known = self.before.settled if self.before is not None else {}
        return {step: found for step, found in self.state.settled.items() if step not in known}

    def new_offers(self) -> dict[str, OfferMade]:
        known = self.before.offers if self.before is not None else {}
        return {offer: made for offer, made in self.state.offers.items() if offer not in known}


def courses_of(records: Sequence[EnrolmentRecord]) -> list[Course]:
    """Rows with their versions at hand, as courses; steps and offers are read for all of them together."""
    settled: dict[int, dict[str, Settled]] = defaultdict(dict)
    for row in StepRecord.objects.filter(enrolment__in=records):
        settled[row.enrolment_id][row.step] = Settled(cast("Status", row.state), row.at, row.because)
    offers: dict[int, dict[str, OfferMade]] = defaultdict(dict)
    for offer in OfferRecord.objects.filter(enrolment__in=records):
        offers[offer.enrolment_id][offer.offer] = OfferMade(offer.step, offer.expires_at)
    found = []
    for record in records:
        state = _state(record, settled[record.pk], offers[record.pk])
        playbook = playbooks_of(record.version).playbooks[record.playbook]
        found.append(Course(record, playbook, state, state))
    return found


def has_ended_early(record: EnrolmentRecord) -> bool:
    """Whether it was over before its last step: what was still to be said and done for it is needed no more."""
    return record.finished_at is not None and record.finished_because not in LAST_WORDS


def new_course(record: EnrolmentRecord, playbook: Playbook) -> Course:
    """One that begins; its row is not written yet."""
    return Course(record, playbook, None, _state(record, {}, {}))


def _state(record: EnrolmentRecord, settled: Mapping[str, Settled], offers: Mapping[str, OfferMade]) -> Enrolment:
    return Enrolment(
        playbook=record.playbook,
        version=record.version.number,
        account=str(record.account_id),
        started_at=record.started_at,
        contact=str(record.contact_id or ""),
        signal=record.signal,
        arm=record.arm,
        contact_calendar=read_calendar(record.contact_calendar),
        team_calendar=read_calendar(record.team_calendar),
        nano_points_at_start=record.nano_points_at_start,
        band_at_start=record.band_at_start,
        replied_at=record.replied_at,
        settled=MappingProxyType(dict(settled)),
        paths=frozenset(record.paths),
        offers=MappingProxyType(dict(offers)),
        finished_at=record.finished_at,
        finished_because=record.finished_because,
    )


def do_write_courses(courses: Iterable[Course]) -> None:
    """Write what changed; new enrolments first, so that what belongs to them finds them. Inside a transaction."""
    changed = [course for course in courses if course.state is not course.before]
    for course in changed:
        record, state = course.record, course.state
        record.replied_at, record.paths = state.replied_at, sorted(state.paths)
        record.finished_at, record.finished_because = state.finished_at, state.finished_because
    EnrolmentRecord.objects.bulk_create([one.record for one in changed if one.before is None], batch_size=500)
    update_rows(
        [one.record for one in changed if one.before is not None],
        ["replied_at", "paths", "due_at", "finished_at", "finished_because"],
    )
    StepRecord.objects.bulk_create(
        [
            StepRecord(enrolment=one.record, step=step, state=found.status, at=found.at, because=found.because)
            for one in changed
            for step, found in one.new_steps().items()
        ],
        batch_size=500,
    )
    OfferRecord.objects.bulk_create(
        [
            OfferRecord(
                enrolment=one.record,
                offer=offer,
                step=made.step,
                made_at=_made_at(one, made),
                expires_at=made.expires_at,
            )
            for one in changed
            for offer, made in one.new_offers().items()
        ],
        batch_size=500,
    )


def _made_at(course: Course, made: OfferMade) -> datetime:
    return course.state.settled[made.step].at


def kept_calendar(calendar: Calendar) -> dict[str, object]:
    """A calendar as a row keeps it."""
    return {
        "zone": calendar.zone,
        "country": calendar.country,
        "holidays": sorted(day.isoformat() for day in calendar.holidays),
        "weekend": None if calendar.weekend is None else sorted(calendar.weekend),
        "opens": calendar.opens.isoformat("minutes"),
        "closes": calendar.closes.isoformat("minutes"),
    }


def read_calendar(kept: Mapping[str, object]) -> Calendar:
    """The calendar of a row."""
    weekend = cast("Sequence[int] | None", kept["weekend"])
    return Calendar(
        zone=str(kept["zone"]),
        country=str(kept["country"]),
        holidays=frozenset(date.fromisoformat(day) for day in cast("Sequence[str]", kept["holidays"])),
        weekend=None if weekend is None else frozenset(weekend),
        opens=time.fromisoformat(str(kept["opens"])),
        closes=time.fromisoformat(str(kept["closes"])),
    )
