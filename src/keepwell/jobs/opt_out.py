"""Opting out: who says that they want no more messages gets none, from any playbook, on any channel.

An opt-out holds for the contact and for its mail address at every account, until it is ended. Whoever claims a touch
locks its contact first and then asks `opted_out_contacts`, in one transaction: then either the opt-out was there to be
seen, or the touch is claimed and `wait_for_flights` waits for it.
"""

import time
from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from keepwell.base.errors import UserError
from keepwell.jobs.audit import record_act
from keepwell.jobs.touch import do_touch_aged
from keepwell.store.claim import take_turn
from keepwell.store.listed import listed
from keepwell.store.models import Contact, OptOut, Touch
from keepwell.store.read.opt_out import contacts_at, plain_address

# How an opt-out came: by the button of the page, by that of a mail program, by a member, or by a provider's report.
LINK: Final = "link"
ONE_CLICK: Final = "one_click"
MEMBER: Final = "member"
COMPLAINT: Final = "complaint"
REASON: Final = "The contact wants no more messages."
# The states of what waits.
WAITING: Final = ("draft", "asked", "todo")

_TURN: Final = 7_234_017
_LOOK_EVERY_S: Final = 0.05
_LONGEST: Final = 320
_SALT: Final = "keepwell.unsubscribe"
_SEPARATOR: Final = "."


def do_opt_out(who: Contact | str, *, way: str, by: str, now: datetime) -> list[int]:
    """Opt a contact or an address out; the ids of the contacts that it holds for. Said twice, it changes nothing.

    What waits for them is suppressed, and their accounts are looked at, so that their enrolments end. A message that is
    being handed over is not called back: `wait_for_flights` says when it is through.
    """
    with transaction.atomic():
        take_turn(_TURN)
        contacts, address, contact = _held(who)
        ids = [one.pk for one in contacts]
        # What is claimed and not being handed over yet has surely not left.
        is_waiting = Q(state__in=WAITING) | Q(state="claimed", handed_at=None)
        waiting = Touch.objects.filter(is_waiting, contact__in=listed(ids))
        suppressed = waiting.update(state="suppressed", reason=REASON, settled_at=now, held_because="")
        is_new = not OptOut.objects.filter(contact=contact, address=address, ended_at=None).exists()
        if is_new or suppressed:
            do_touch_aged(sorted({one.account_id for one in contacts}), now=now)
        if is_new:
            OptOut.objects.create(contact=contact, address=address, at=now, way=way, by=by)
            details = {"way": way, "contacts": ids, "suppressed": suppressed}
            record_act("opt_out", _noun(contact, address), details, by=by, now=now)
    return ids


def do_end_opt_out(who: Contact | str, *, by: str, now: datetime) -> bool:
    """Let a contact or an address have messages again; false where nobody had opted them out.

    It ends what holds for the contact and for its address, so at every account that has this address.
    """
    with transaction.atomic():
        take_turn(_TURN)
        contacts, address, contact = _held(who)
        ended = list(_open(contact, address).order_by("pk").select_for_update())
        if not ended:
            return False
        OptOut.objects.filter(pk__in=[one.pk for one in ended]).update(ended_at=now, ended_by=by)
        _keep_moved(ended, contacts)
        details = {"contacts": [one.pk for one in contacts], "opt_outs": [one.pk for one in ended]}
        record_act("end_opt_out", _noun(contact, address), details, by=by, now=now)
    return True


def wait_for_flights(contacts: Collection[int], timeout_s: float) -> bool:
    """Wait until no message to these contacts is being handed over; false where one still is when the time is up.

    Call it after the opt-out is committed. Then nothing new can begin.
    """
    deadline = time.monotonic() + timeout_s
    flights = Touch.objects.filter(contact__in=listed(contacts), state="claimed")
    while flights.exists():
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            return False
        time.sleep(min(_LOOK_EVERY_S, left_s))
    return True


def unsubscribe_link(pages: str, contact_id: int) -> str:
    """The address by which a contact opts out, without a sign-in; `pages` is that of the pages, without a slash."""
    return f"{pages}/unsubscribe/{_signer().sign(str(contact_id))}"


def unsubscribing_contact(token: str) -> Contact | None:
    """Whom the end of such an address names; None where it was altered, or the contact is gone."""
    try:
        number = _signer().unsign(token)
    except BadSignature:
        return None
    return Contact.objects.filter(pk=int(number)).first()


def _signer() -> Signer:
    return Signer(salt=_SALT, sep=_SEPARATOR)


def _held(who: Contact | str) -> tuple[list[Contact], str, Contact | None]:
    """Every contact that is meant, locked until the transaction ends; the address, and the contact who said so."""
    if isinstance(who, str):
        address = plain_address(who)
        if "@" not in address or len(address) > _LONGEST:
            raise UserError(f"{who!r} is not an e-mail address; expected one such as ada@example.org.")
        return _locked(_same(address)), address, None
    address = plain_address(who.email)
    while True:
        contacts = _locked({*_same(address), who.pk})
        contact = next((one for one in contacts if one.pk == who.pk), None)
        if contact is None or plain_address(contact.email) == address:
            return contacts, address, contact
        # News of the contact came before the lock.
        address = plain_address(contact.email)


def _same(address: str) -> set[int]:
    rows = contacts_at(address) if address else Contact.objects.none()
    return {contact for contact, email in rows.values_list("pk", "email") if plain_address(email) == address}


def _locked(contacts: Collection[int]) -> list[Contact]:
    """Always in one order, so that two who lock cannot wait for each other."""
    return list(Contact.objects.filter(pk__in=listed(contacts)).order_by("pk").select_for_update())


def _open(contact: Contact | None, address: str) -> QuerySet[OptOut]:
    """The opt-outs that hold for a contact or an address."""
    asked = Q(address=address) if address else Q()
    if contact is not None:
        asked |= Q(contact=contact)
    return OptOut.objects.filter(asked, ended_at=None)


def _keep_moved(ended: list[OptOut], contacts: list[Contact]) -> None:
    """Those who said so under this address and have another one by now did not ask for messages: theirs goes on."""
    meant = {one.pk for one in contacts}
    moved = [one for one in ended if one.contact_id is not None and one.contact_id not in meant]
    for one in moved:
        OptOut.objects.create(contact_id=one.contact_id, address="", at=one.at, way=one.way, by=one.by)


def _noun(contact: Contact | None, address: str) -> str:
    """An audit is kept for good, so it never holds an address: only what whoever has the address can find again."""
    return f"contact:{contact.pk}" if contact is not None else f"address:{salted_hmac(_SALT, address).hexdigest()}"
