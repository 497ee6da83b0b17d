"""Enrolments as programs read them. Moments are in UTC."""

from datetime import datetime

from keepwell.jobs.alert_shape import AccountOfSignal, PublicShape, account_of
from keepwell.jobs.playbook_words import end_told
from keepwell.jobs.read_timeline import StepState, read_timeline
from keepwell.playbooks.step import Clock
from keepwell.store.models import EnrolmentRecord


class EnrolmentShape(PublicShape):
    """`version` is that of the package whose playbook holds to the end. `signal` is what it started on; `signal_id`
    is the id of an alert, a sign or a milestone. `ended` says `finished_because` in words."""

    id: int
    account: AccountOfSignal
    contact: str
    package: str
    playbook: str
    title: str
    version: int
    signal_noun: str
    signal: str
    signal_id: int | None
    arm: str
    started_at: datetime
    started_by: str
    band_at_start: str
    replied_at: datetime | None
    due_at: datetime | None
    finished_at: datetime | None
    finished_because: str
    ended: str


class StepShape(PublicShape):
    """`at` is when it was settled, or is due, and `when` the same by the `clock` that the step runs on.

    `told` says in words why it is as it is.
    """

    step: str
    kind: str
    title: str
    state: StepState
    told: str
    at: datetime
    when: str
    clock: Clock
    touch: int | None
    task: int | None


class OfferShape(PublicShape):
    offer: str
    title: str
    step: str
    state: str
    made_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    accepted_by: str


class WholeEnrolmentShape(EnrolmentShape):
    """With its steps, what was settled first and then what is to come, and its offers."""

    steps: list[StepShape]
    offers: list[OfferShape]


def enrolment_shape(record: EnrolmentRecord) -> EnrolmentShape:
    return EnrolmentShape(
        id=record.pk,
        account=account_of(record.account),
        contact=str(record.contact) if record.contact is not None else "",
        package=record.package,
        playbook=record.playbook,
        title=record.title,
        version=record.version.number,
        signal_noun=record.signal_noun,
        signal=record.signal,
        signal_id=record.signal_id,
        arm=record.arm,
        started_at=record.started_at,
        started_by=record.started_by,
        band_at_start=record.band_at_start,
        replied_at=record.replied_at,
        due_at=record.due_at,
        finished_at=record.finished_at,
        finished_because=record.finished_because,
        ended=end_told(record.finished_because),
    )


def whole_enrolment_shape(record: EnrolmentRecord, *, now: datetime) -> WholeEnrolmentShape:
    timeline = read_timeline(record, now=now)
    steps = [
        StepShape(
            step=line.step,
            kind=line.kind,
            title=line.title,
            state=line.state,
            told=line.told,
            at=line.at,
            when=line.when,
            clock=line.clock,
            touch=line.touch.pk if line.touch is not None else None,
            task=line.task.pk if line.task is not None else None,
        )
        for line in timeline.steps
    ]
    offers = [
        OfferShape(
            offer=line.offer.offer,
            title=line.title,
            step=line.offer.step,
            state=line.state,
            made_at=line.offer.made_at,
            expires_at=line.offer.expires_at,
            accepted_at=line.offer.accepted_at,
            accepted_by=line.offer.accepted_by,
        )
        for line in timeline.offers
    ]
    return WholeEnrolmentShape(**dict(enrolment_shape(record)), steps=steps, offers=offers)
