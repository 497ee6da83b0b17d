"""Projections: the newest traits of accounts and contacts, rebuilt from the log."""

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

from django.db import transaction

from keepwell.base.home import Home
from keepwell.facts.moment import Moment
from keepwell.facts.traits import ACCOUNT_EVENTS, CONTACT_EVENTS, AccountState, fold_accounts, fold_contacts
from keepwell.jobs.update_rows import update_rows
from keepwell.lake.history import spans, trait_events
from keepwell.lake.log import EventLog
from keepwell.store.listed import listed
from keepwell.store.models import Account, Contact, EventName, TouchedAccount

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
CONTACT_COLUMNS: Final = ("name", "email", "role", "traits")
Row = TypeVar("Row", Account, Contact)


def do_project_accounts(home: Home, accounts: Sequence[int] | None, *, now: datetime) -> None:
    """Write what the log tells of these accounts (None: all) and their contacts into the tables.

    Derived rows only, so no act is recorded; running it again changes nothing. Only rows that differ are written.
    """
    log, moment = EventLog(home.log), Moment.at(now)
    states = fold_accounts(trait_events(log, _codes(ACCOUNT_EVENTS), moment, accounts))
    seen = spans(log, moment, accounts)
    rows = {row.pk: row for row in Account.objects.filter(pk__in=listed(seen))}
    before = {pk: _standing(account, ACCOUNT_COLUMNS) for pk, account in rows.items()}
    for account_id, account in rows.items():
        _apply(account, states.get(account_id, AccountState()))
        account.first_event_at, account.last_event_at = seen[account_id].first_at, seen[account_id].last_at
    traits = fold_contacts(trait_events(log, _codes(CONTACT_EVENTS), moment, accounts))
    contacts = {row.pk: row for row in Contact.objects.filter(pk__in=listed(traits))}
    known = {pk: _standing(contact, CONTACT_COLUMNS) for pk, contact in contacts.items()}
    for contact_id, contact in contacts.items():
        _apply_contact(contact, traits[contact_id])
    with transaction.atomic():
        update_rows(
            (row for row in rows.values() if _standing(row, ACCOUNT_COLUMNS) != before[row.pk]), ACCOUNT_COLUMNS
        )
        changed = (row for row in contacts.values() if _standing(row, CONTACT_COLUMNS) != known[row.pk])
        update_rows(changed, CONTACT_COLUMNS)


def do_project_news(home: Home, touched: Sequence[TouchedAccount], *, now: datetime) -> None:
    """What `do_project_accounts` does for accounts with news, without a look at the log where the news is plain use."""
    plain = {one.account_id: one for one in touched if _is_plain(one, now)}
    seen = Account.objects.filter(first_event_at__isnull=False, pk__in=listed(plain))
    rows = {row.pk: row for row in seen.only("first_event_at", "last_event_at")}
    told = sorted({one.account_id for one in touched} - rows.keys())
    if told:
        do_project_accounts(home, told, now=now)
    for account_id, account in rows.items():
        first, last = plain[account_id].first_at, plain[account_id].last_at
        account.first_event_at = min(filter(None, (account.first_event_at, first)))
        account.last_event_at = max(filter(None, (account.last_event_at, last)))
    with transaction.atomic():
        update_rows(rows.values(), ("first_event_at", "last_event_at"))


def _is_plain(one: TouchedAccount, now: datetime) -> bool:
    """Whether the news is all known and has happened, and changes nothing of an account but when it was last seen."""
    moments = (one.known_at, one.last_at)
    return not one.tells and all(moment is not None and moment < now for moment in moments)


def _changed(rows: Mapping[int, Row], before: Mapping[int, list[object]], columns: Sequence[str]) -> list[Row]:
    return [row for pk, row in rows.items() if _standing(row, columns) != before[pk]]


def _standing(row: Account | Contact, columns: Sequence[str]) -> list[object]:
    return [copy(getattr(row, column)) for column in columns]


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
