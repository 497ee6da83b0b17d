"""Who wants no messages."""

from collections.abc import Collection

from keepwell.store.models import Contact, OptOut


def opted_out_contacts(contacts: Collection[int]) -> set[int]:
    """Those of the contacts that said so themselves, or whose mail address anybody said it for."""
    standing = OptOut.objects.filter(ended_at=None)
    found = set(standing.filter(contact__in=contacts).values_list("contact_id", flat=True))
    addresses = {
        pk: email.strip().lower() for pk, email in Contact.objects.filter(pk__in=contacts).values_list("pk", "email")
    }
    refused = set(
        standing.filter(address__in=[one for one in addresses.values() if one]).values_list("address", flat=True)
    )
    return {pk for pk in contacts if pk in found or addresses.get(pk) in refused}
