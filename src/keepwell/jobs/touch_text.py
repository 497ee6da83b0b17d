"""Writes the texts that steps asked for: messages to contacts and documents of tasks, once, from fields.

What lacks a field is not written: the message is suppressed and says which, so that nothing leaves with a hole in it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import numpy as np
from django.db import transaction
from django.db.models import QuerySet

from keepwell.base.errors import BugError
from keepwell.base.home import Home
from keepwell.base.wall_time import local_time, read_zone
from keepwell.facts.moment import Moment
from keepwell.health.weight import NANO
from keepwell.jobs.audit import record_act
from keepwell.jobs.update_rows import update_rows
from keepwell.lake.engine import Engine, Question
from keepwell.lake.log import EventLog
from keepwell.metrics.metric import Metric
from keepwell.playbooks.render import Mail, MessageError, RenderedMail
from keepwell.playbooks.template_book import TemplateBook
from keepwell.playbooks.template_field import Context, Record
from keepwell.playbooks.template_settings import CSM, Signer
from keepwell.store.models import (
    Account,
    Contact,
    CurrentScore,
    EnrolmentRecord,
    Member,
    ModelVersion,
    OfferRecord,
    StepRecord,
    Task,
    Touch,
)
from keepwell.store.read.dictionary import name_codes
from keepwell.store.read.member import holders_of_roles
from keepwell.store.read.package import model_of, package_of, signals_of, templates_of

BY: Final = "worker"
A_TURN: Final = 500
CANNOT_BE_WRITTEN: Final = "cannot_be_written"
CSM_TITLE: Final = "Customer Success Manager"
_LONGEST_REASON: Final = 300


def do_write_touches(home: Home, engine: Engine, *, now: datetime) -> int:
    """Write what waits for its text; returns how many were written or refused."""
    if not (_drafts().exists() or _wanting().exists()):
        return 0
    with transaction.atomic():
        touches = list(_drafts().select_for_update(skip_locked=True, of=("self",))[:A_TURN])
        tasks = list(_wanting().select_for_update(skip_locked=True, of=("self",))[:A_TURN])
        records = [touch.enrolment for touch in touches]
        records += [task.enrolment for task in tasks if task.enrolment is not None]
        known = FieldValues(home, engine, records, now)
        for touch in touches:
            _write_touch(touch, known)
        for task in tasks:
            _write_task(task, known)
        _save(touches, tasks, now)
    return len(touches) + len(tasks)


def _drafts() -> QuerySet[Touch]:
    joined = ("enrolment__version", "enrolment__account__owner", "enrolment__contact", "sender")
    return Touch.objects.filter(state="draft").select_related(*joined).order_by("pk")


def _wanting() -> QuerySet[Task]:
    joined = ("enrolment__version", "enrolment__account__owner", "enrolment__contact")
    return Task.objects.filter(written_at=None).exclude(template="").select_related(*joined).order_by("pk")


def _write_touch(touch: Touch, known: "FieldValues") -> None:
    try:
        mail = known.rendered(touch.enrolment, touch.template, touch.offers, touch.sender_role, touch.sender)
    except MessageError as error:
        touch.state, touch.reason = "suppressed", " ".join(error.reasons)[:_LONGEST_REASON]
        return
    touch.subject, touch.text, touch.html = mail.subject, mail.text, mail.html
    touch.sender_name = sender_name(touch)
    touch.state = "asked" if touch.approve_by else "todo"


def _write_task(task: Task, known: "FieldValues") -> None:
    if task.enrolment is None:
        raise BugError("A task without an enrolment asks for a document.")
    try:
        task.document = known.rendered(task.enrolment, task.template, (), "", None).text
    except MessageError as error:
        task.document = "The draft could not be written: " + " ".join(error.reasons)


def _save(touches: Sequence[Touch], tasks: Sequence[Task], now: datetime) -> None:
    refused = [touch for touch in touches if touch.state == "suppressed"]
    for touch in refused:
        touch.settled_at = now
    for task in tasks:
        task.written_at = now
    columns = ["state", "reason", "subject", "text", "html", "sender_name", "settled_at"]
    update_rows(touches, columns)
    update_rows(tasks, ["document", "written_at"])
    for touch in refused:
        StepRecord.objects.filter(enrolment=touch.enrolment_id, step=touch.step).update(
            state="suppressed", because=CANNOT_BE_WRITTEN
        )
    details = {"touches": len(touches), "tasks": len(tasks), "refused": [touch.pk for touch in refused]}
    record_act("texts_written", "touches", details, by=BY, now=now)


class FieldValues:
    """The values of fields, read once for all texts of a turn."""

    def __init__(self, home: Home, engine: Engine, records: Sequence[EnrolmentRecord], now: datetime) -> None:
        self.home, self.engine, self.now = home, engine, now
        self._usage = _usage(home, engine, records, now)
        accounts = {record.account_id for record in records}
        models = {record.version.model for record in records}
        scores = CurrentScore.objects.filter(account__in=accounts, model__in=models).select_related("record")
        self._scores = {(one.account_id, one.model): one for one in scores}
        # Who is given the tasks of an account without an owner speaks for it, too.
        self._stand_in = Member.objects.filter(pk__in=holders_of_roles().get(CSM, ())[:1]).first()
        offers = OfferRecord.objects.filter(enrolment__in={record.pk for record in records})
        told = offers.values_list("enrolment_id", "offer", "expires_at")
        self._expires_at = {(enrolment, offer): expires_at for enrolment, offer, expires_at in told}

    def learn_offers(self, record: EnrolmentRecord, expires_at: Mapping[str, datetime]) -> None:
        """Offers of an enrolment that do not stand in rows."""
        self._expires_at |= {(record.pk, offer): at for offer, at in expires_at.items()}

    def rendered(
        self, record: EnrolmentRecord, template_id: str, offers: Sequence[str], role: str, sender: Member | None
    ) -> RenderedMail:
        """The message; a MessageError says what it lacks."""
        book = templates_of(record.version)
        if book is None or template_id not in book.templates:
            raise MessageError(template_id, ["the package has no such template."])
        head = book.templates[template_id].head
        offer = head.offer or next(iter(offers), "")
        signer = sender.name if sender is not None and role and role != CSM else ""
        context: Context = {
            "contact": _contact(record.contact),
            "account": _account(record.account, record.version),
            "score": self._score(record),
            "usage": self._usage.get((record.version_id, record.account_id), {}),
            "offer": self._offer(record, offer) if offer else {},
            "csm": _csm(record.account.owner or self._stand_in),
        }
        return _mail(record.version, template_id, role, signer).rendered(context)

    def _score(self, record: EnrolmentRecord) -> Record:
        current = self._scores.get((record.account_id, record.version.model))
        if current is None or current.nano_points is None:
            return {}
        labels = {band.id: band.label for band in model_of(record.version)[1].bands}
        change = current.record.trend_nano
        found: dict[str, str | int] = {
            "value": round(current.nano_points / NANO),
            "band": labels.get(current.band, ""),
            "trend": current.record.trend,
        }
        return found if change is None else {**found, "change": round(change / NANO)}

    def _offer(self, record: EnrolmentRecord, offer: str) -> Record:
        book = templates_of(record.version)
        text = book.settings.offers.get(offer) if book is not None else None
        found = text.fields() if text is not None else {}
        expires_at = self._expires_at.get((record.pk, offer))
        if expires_at is None:
            return found
        zone = read_zone(str(record.contact_calendar["zone"]))
        return {**found, "expires_on": local_time(expires_at, zone).date().isoformat()}


@lru_cache(maxsize=512)
def _mail(version: ModelVersion, template_id: str, role: str, signer: str) -> Mail:
    """A template made ready; a member who holds the role signs with their own name."""
    book = _book(version)
    settings = book.settings
    if signer and role in settings.roles:
        signed = {**settings.roles, role: Signer(name=signer, title=settings.roles[role].title)}
        settings = settings.model_copy(update={"roles": signed})
    return Mail(book.templates[template_id], settings)


def sender_name(touch: Touch) -> str:
    """The member who signs, else whoever the settings name for the role, else the product."""
    if touch.sender is not None:
        return touch.sender.name
    settings = _book(touch.enrolment.version).settings
    signer = settings.roles.get(touch.sender_role)
    return signer.name if signer is not None else settings.product.name


def _book(version: ModelVersion) -> TemplateBook:
    book = templates_of(version)
    if book is None:
        raise BugError("A message was written from a package without templates.")
    return book


def _usage(
    home: Home, engine: Engine, records: Sequence[EnrolmentRecord], now: datetime
) -> dict[tuple[int, int], Record]:
    """What the fields of `usage` are worth now, by version and account; what is missing is left out."""
    accounts: dict[ModelVersion, set[int]] = defaultdict(set)
    for record in records:
        accounts[record.version].add(record.account_id)
    found: dict[tuple[int, int], Record] = {}
    for version, asked in accounts.items():
        book = templates_of(version)
        fields = {} if book is None else {name: one for name, one in book.settings.usage.items() if one.metric}
        if not fields:
            continue
        package = package_of(version)
        metrics: dict[str, Metric] = {}
        wanted = {str(one.metric) for one in fields.values()}
        while wanted:
            metrics |= {name: package.metrics[name] for name in wanted}
            wanted = {used for name in wanted for used in package.metrics[name].uses()} - metrics.keys()
        question = Question(metrics, name_codes(), [Moment.at(now)], sorted(asked))
        (values,) = engine.values(EventLog(home.log), question)
        for row, account in enumerate(values.accounts.tolist()):
            told = {
                name: float(values.matrix[row, values.metrics.index(str(one.metric))]) for name, one in fields.items()
            }
            found[version.pk, account] = {name: _number(value) for name, value in told.items() if np.isfinite(value)}
    return found


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value


def _contact(contact: Contact | None) -> Record:
    if contact is None:
        return {}
    told = contact.traits
    name = contact.name.strip()
    first = str(told.get("first_name") or "").strip() or name.partition(" ")[0]
    return _known({"first_name": first, "name": name, "job_title": told.get("job_title") or told.get("title")})


def _account(account: Account, version: ModelVersion) -> Record:
    plans = signals_of(version).plans
    plan = plans.plans.get(account.plan) if plans is not None else None
    above = plans.plans.get(plan.next) if plans is not None and plan is not None and plan.next else None
    return _known(
        {
            "name": str(account),
            "industry": account.traits.get("industry"),
            "plan": plan.title if plan is not None else account.plan,
            "next_plan": above.title if above is not None else None,
            "seats": account.seats,
            "currency": account.currency,
            "renewal_on": account.renewal_on.isoformat() if account.renewal_on is not None else None,
        }
    )


def _csm(owner: Member | None) -> Record:
    if owner is None:
        return {}
    return _known(
        {"name": owner.name, "first_name": owner.name.partition(" ")[0], "title": CSM_TITLE, "email": owner.email}
    )


def _known(told: Mapping[str, object]) -> Record:
    """What is text or a whole number, and is there."""
    return {name: value for name, value in told.items() if isinstance(value, str | int) and value != ""}
