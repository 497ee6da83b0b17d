"""Who wants no more messages: by contact, and by mail address at whatever account it stands."""

import re
from collections.abc import Iterable
from typing import Final

from django.db.models import Q, QuerySet

from keepwell.store.listed import listed
from keepwell.store.models import Contact, OptOut

_ASCII: Final = re.compile(r"[\x21-\x7e]+")


def plain_address(address: str) -> str:
    """The form in which addresses are compared: in small letters, without spaces around."""
    return address.strip().lower()


def opted_out_contacts(contact_ids: Iterable[int]) -> set[int]:
    """Those of the contacts that opted out, or whose mail address did; two queries."""
    asked = list(contact_ids)
    if not asked:
        return set()
    rows = Contact.objects.filter(pk__in=listed(asked)).values_list("pk", "email")
    addresses = {contact: plain_address(email) for contact, email in rows}
    told = OptOut.objects.filter(
        Q(contact__in=listed(asked)) | Q(address__in={address for address in addresses.values() if address}),
        ended_at=None,
    ).values_list("contact", "address")
    pairs = list(told)
    by_contact = {contact for contact, _ in pairs}
    by_address = {address for _, address in pairs if address}
    return {contact for contact in asked if contact in by_contact or addresses.get(contact) in by_address}


def contacts_at(address: str) -> QuerySet[Contact]:
    """The contacts that may have this mail address, in whatever letters; compare `plain_address` to be sure.

    Databases disagree on the small form of letters beyond ASCII, so they are only asked for the longest part in it.
    """
    sure = max(_ASCII.findall(address), key=len, default="")
    return Contact.objects.filter(email__icontains=sure) if sure else Contact.objects.exclude(email="")
