"""Accounts with contacts, and messages that wait for them."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import count

from django.db import transaction

from keepwell.store.models import Account, Contact, EnrolmentRecord, ModelVersion, Touch
from keepwell.store.read.opt_out import opted_out_contacts

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
_NUMBERS = count(1)


def contact(account: str, email: str = "", key: str = "") -> Contact:
    """A contact of the account of that key, which is made where it is missing."""
    at, _ = Account.objects.get_or_create(key=account, defaults={"name": account.title()})
    return Contact.objects.create(account=at, key=key or f"contact-{next(_NUMBERS)}", name="Ada", email=email)


def touch(to: Contact, state: str = "todo") -> Touch:
    """A message of an enrolment of its own."""
    number = next(_NUMBERS)
    version, _ = ModelVersion.objects.get_or_create(
        model="touches/touches", number=1, defaults={"text": {}, "published_at": NOW, "published_by": "test"}
    )
    enrolment = EnrolmentRecord.objects.create(
        account=to.account, contact=to, package="saas", playbook=f"playbook_{number}", title="One", version=version,
        started_at=NOW - timedelta(hours=2), started_by="worker", due_at=NOW,
    )  # fmt: skip
    return Touch.objects.create(
        enrolment=enrolment, account=to.account, contact=to, step="mail", channel="mail", template="hello",
        purpose="retention", priority=10, subject="Hello", text="Hello", queued_at=NOW, due_at=NOW,
        late_at=NOW + timedelta(hours=1), late="ask", state=state,
        handed_at=NOW if state == "claimed" else None,
    )  # fmt: skip


def claim(wanted: Iterable[Touch], after_asking: Callable[[], None] = lambda: None) -> list[int]:
    """Claim what may leave as a sender must: lock the contact, ask for opt-outs, claim, all in one transaction.

    From then on it counts as being handed over.
    """
    claimed = []
    for one in wanted:
        assert one.contact_id is not None
        with transaction.atomic():
            to = Contact.objects.select_for_update().get(pk=one.contact_id)
            has_opted_out = bool(opted_out_contacts([to.pk]))
            after_asking()
            if has_opted_out:
                continue
            if Touch.objects.filter(pk=one.pk, state="todo").update(
                state="claimed", claim=f"claim-{one.pk}", handed_at=NOW
            ):
                claimed.append(one.pk)
    return claimed
