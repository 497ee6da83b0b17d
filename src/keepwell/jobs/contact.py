"""Whom an enrolment writes to, and by which clock."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keepwell.base.business_time import Calendar, read_country
from keepwell.base.wall_time import read_zone
from keepwell.channels.mail_address import is_address
from keepwell.playbooks.contact_choice import Person, choose_contact
from keepwell.store.models import Account, Contact, ModelVersion
from keepwell.store.read.opt_out import opted_out_contacts
from keepwell.store.read.package import templates_of


@dataclass(frozen=True, slots=True)
class Addressee:
    """`contact` is None where the account has none; the calendar is then the account's or the team's."""

    contact: int | None
    calendar: Calendar
    is_opted_out: bool


def addressees(
    version: ModelVersion, accounts: Mapping[int, Account], asked: Sequence[int], team: Calendar
) -> dict[int, Addressee]:
    """By account, the contact that a new enrolment writes to."""
    book = templates_of(version)
    roles = book.settings.contact_roles if book is not None else ()
    contacts: dict[int, list[Contact]] = defaultdict(list)
    for contact in Contact.objects.filter(account__in=asked).order_by("pk"):
        contacts[contact.account_id].append(contact)
    opted_out = opted_out_contacts([one.pk for some in contacts.values() for one in some])
    found: dict[int, Addressee] = {}
    for account in asked:
        persons = [
            Person(one.pk, one.role, is_address(one.email), one.pk in opted_out) for one in contacts.get(account, ())
        ]
        chosen = choose_contact(persons, roles)
        known = {one.pk: one for one in contacts.get(account, ())}
        calendar = contact_calendar(known.get(chosen or 0), accounts[account], team)
        found[account] = Addressee(chosen, calendar, chosen in opted_out)
    return found


def contact_calendar(contact: Contact | None, account: Account, team: Calendar) -> Calendar:
    """By the zone and the country of the contact, else of the account, else of the team.

    What is no zone or no country is passed over: traits are what others told us.
    """
    told = [*([contact.traits] if contact is not None else []), account.traits]
    zone = next((name for traits in told if (name := _known_zone(traits.get("time_zone")))), team.zone)
    country = next((code for traits in told if (code := _known_country(traits.get("country")))), team.country)
    return Calendar(zone=zone, country=country)


def _known_zone(name: object) -> str:
    try:
        return read_zone(name).key if isinstance(name, str) else ""
    except ValueError:
        return ""


def _known_country(code: object) -> str:
    try:
        return read_country(code) if isinstance(code, str) else ""
    except ValueError:
        return ""
