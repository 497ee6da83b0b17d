"""Projections: the newest traits of accounts and contacts, rebuilt from the log."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from django.db import transaction

from keepwell.base.home import Home
from keepwell.facts.moment import Moment
from keepwell.facts.traits import ACCOUNT_EVENTS, CONTACT_EVENTS, AccountState, fold_accounts, fold_contacts
from keepwell.lake.history import spans, trait_events
from keepwell.lake.log import EventLog
from keepwell.store.models import Account, Contact, EventName

ROWS_A_STATEMENT: Final = 500
ACCOUNT_COLUMNS: Final = (
    "name",
    "plan",
    "mrr",
    "currency",
    "seats",
    "renewal_on",
    "churned_on",
    "traits",
    "first_event_at",
    "last_event_at",
)


def do_project_accounts(home: Home, accounts: Sequence[int] | None, *, now: datetime) -> None:
    """Write what the log tells of these accounts (None: all) and their contacts into the tables.

    Derived rows only, so no act is recorded; running it again changes nothing.
    """
    log, moment = EventLog(home.log), Moment.at(now)
    states = fold_accounts(trait_events(log, _codes(ACCOUNT_EVENTS), moment, accounts))
    seen = spans(log, moment, accounts)
    rows = Account.objects.in_bulk(list(seen))
    for account_id, account in rows.items():
        _apply(account, states.get(account_id, AccountState()))
        account.first_event_at, account.last_event_at = seen[account_id].first_at, seen[account_id].last_at
    traits = fold_contacts(trait_events(log, _codes(CONTACT_EVENTS), moment, accounts))
    contacts = Contact.objects.in_bulk(list(traits))
    for contact_id, contact in contacts.items():
        _apply_contact(contact, traits[contact_id])
    with transaction.atomic():
        Account.objects.bulk_update(rows.values(), ACCOUNT_COLUMNS, batch_size=ROWS_A_STATEMENT)
        Contact.objects.bulk_update(contacts.values(), ("name", "email", "role", "traits"), batch_size=ROWS_A_STATEMENT)


def _codes(names: Sequence[str]) -> dict[int, str]:
    return dict(EventName.objects.filter(name__in=names).values_list("pk", "name"))


def _apply(account: Account, state: AccountState) -> None:
    told = state.traits
    account.name = _text(told.get("name"), 512)
    account.plan = _text(told.get("plan"), 200)
    account.currency = _text(told.get("currency"), 3)
    account.mrr = _money(told.get("mrr"))
    seats = _money(told.get("seats"))
    account.seats = int(seats) if seats is not None and abs(seats) < 2**31 else None
    account.renewal_on = _date(told.get("renewal_at"))
    account.churned_on = state.churned_at.date() if state.churned_at else None
    account.traits = told


def _apply_contact(contact: Contact, told: dict[str, object]) -> None:
    contact.name = _text(told.get("name"), 512)
    contact.email = _text(told.get("email"), 320)
    contact.role = _text(told.get("role"), 200)
    contact.traits = told


def _text(value: object, longest: int) -> str:
    return "" if value is None else str(value)[:longest]


def _money(value: object) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value)).quantize(Decimal("0.01"))
    except InvalidOperation:
        return None
    return amount if abs(amount) < Decimal(10) ** 16 else None


def _date(value: object) -> date | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC).date()
    try:
        return datetime.fromisoformat(str(value)).date()
    except ValueError:
        return None
