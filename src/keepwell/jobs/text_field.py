"""The values of fields for texts about accounts: what is known of the account, its contact, its use and an offer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from keepwell.base.errors import BugError
from keepwell.base.home import Home
from keepwell.base.wall_time import local_time, read_zone
from keepwell.health.weight import NANO
from keepwell.jobs.field_fact import account_facts
from keepwell.jobs.field_value import AskedAccount, FoundField, field_values
from keepwell.lake.engine import Engine
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
    Touch,
)
from keepwell.store.read.member import holders_of_roles
from keepwell.store.read.package import model_of, package_of, templates_of

CSM_TITLE: Final = "Customer Success Manager"


@dataclass(frozen=True, slots=True)
class ToldField:
    """What a number of a document is, and what it rests on."""

    about: str
    basis: str


class FieldValues:
    """The values of fields. What the texts of a turn use is read at once by `read`, anything else when asked for."""

    def __init__(self, home: Home, engine: Engine, records: Sequence[EnrolmentRecord], now: datetime) -> None:
        self.home, self.engine, self.now = home, engine, now
        self._usage: dict[tuple[int, int, str], FoundField | None] = {}
        accounts = {record.account_id for record in records}
        models = {record.version.model for record in records}
        scores = CurrentScore.objects.filter(account__in=accounts, model__in=models).select_related("record")
        self._scores = {(one.account_id, one.model): one for one in scores}
        # Who is given the tasks of an account without an owner speaks for it, too.
        self._stand_in = Member.objects.filter(pk__in=holders_of_roles().get(CSM, ())[:1]).first()
        offers = OfferRecord.objects.filter(enrolment__in={record.pk for record in records})
        told = offers.values_list("enrolment_id", "offer", "expires_at")
        self._expires_at = {(enrolment, offer): expires_at for enrolment, offer, expires_at in told}

    def read(self, texts: Iterable[tuple[EnrolmentRecord, str]]) -> None:
        """Learn the fields of `usage` that templates use, each for the account of its enrolment."""
        wanted: dict[ModelVersion, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        accounts: dict[ModelVersion, dict[int, AskedAccount]] = defaultdict(dict)
        for record, template_id in texts:
            book = templates_of(record.version)
            fields = usage_fields(record.version, template_id) if book and template_id in book.templates else ()
            for name in fields:
                if (record.version_id, record.account_id, name) not in self._usage:
                    wanted[record.version][name].add(record.account_id)
                    zone = read_zone(str(record.contact_calendar.get("zone") or "UTC"))
                    facts = account_facts(record.account, record.version)
                    accounts[record.version][record.account_id] = AskedAccount(facts, zone)
        for version, fields_of in wanted.items():
            asked = {name: frozenset(of) for name, of in fields_of.items()}
            found = field_values(self.home, self.engine, version, asked, accounts[version], self.now)
            for name, of in asked.items():
                for account in of:
                    self._usage[version.pk, account, name] = found.get((account, name))

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
        return _mail(record.version, template_id, role, signer).rendered(self._context(record, template_id, offer))

    def document(self, record: EnrolmentRecord, template_id: str) -> RenderedMail:
        """The document; its subject is the title. A MessageError says what it lacks."""
        book = templates_of(record.version)
        if book is None or template_id not in book.templates:
            raise MessageError(template_id, ["the package has no such template."])
        offer = book.templates[template_id].head.offer or ""
        return _document(record.version, template_id).rendered(self._context(record, template_id, offer))

    def told(self, record: EnrolmentRecord, template_id: str) -> list[ToldField]:
        """What the template's fields of `usage` are, and what those rest on that are known; in the settings' order."""
        found, usage = self.usage(record, template_id), _book(record.version).settings.usage
        metrics = package_of(record.version).metrics
        names = {name: f"{metrics[one.metric].title}." if one.metric else one.about for name, one in usage.items()}
        told = {
            name: found[name].basis
            for name, field in usage.items()
            if name in found and not (field.source is not None and field.source.is_basis)
        }
        return [ToldField(names[name], f"{basis[:1].upper()}{basis[1:]}.") for name, basis in told.items()]

    def _context(self, record: EnrolmentRecord, template_id: str, offer: str) -> Context:
        usage = self.usage(record, template_id)
        return {
            "contact": _contact(record.contact),
            "account": _account(record.account, record.version),
            "score": self._score(record),
            "usage": {name: found.value for name, found in usage.items()},
            "offer": self._offer(record, offer) if offer else {},
            "csm": _csm(record.account.owner or self._stand_in),
        }

    def usage(self, record: EnrolmentRecord, template_id: str) -> dict[str, FoundField]:
        """The fields of `usage` that a template uses, as far as they are known."""
        self.read([(record, template_id)])
        keys = {
            name: (record.version_id, record.account_id, name) for name in usage_fields(record.version, template_id)
        }
        return {name: found for name, key in keys.items() if (found := self._usage.get(key)) is not None}

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
        zone = read_zone(str(record.contact_calendar.get("zone") or "UTC"))
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


@lru_cache(maxsize=128)
def _document(version: ModelVersion, template_id: str) -> Mail:
    book = _book(version)
    return Mail(book.templates[template_id], book.settings, is_document=True)


@lru_cache(maxsize=512)
def usage_fields(version: ModelVersion, template_id: str) -> frozenset[str]:
    """The fields of `usage` that a template of the version uses."""
    book = _book(version)
    return Mail(book.templates[template_id], book.settings).usage_fields


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


def _contact(contact: Contact | None) -> Record:
    if contact is None:
        return {}
    told = contact.traits
    name = contact.name.strip()
    first = str(told.get("first_name") or "").strip() or name.partition(" ")[0]
    return _known({"first_name": first, "name": name, "job_title": told.get("job_title") or told.get("title")})


def _account(account: Account, version: ModelVersion) -> Record:
    facts = account_facts(account, version)
    return _known(
        {
            "name": str(account),
            "industry": facts.industry,
            "plan": facts.plan_title,
            "next_plan": facts.plan_above_title,
            "seats": account.seats,
            "currency": facts.currency,
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
