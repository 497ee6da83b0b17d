"""Whether messages leave at all: off on a new home, on after a test, and stopped at once when something is wrong."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from keepwell.base.errors import UserError
from keepwell.base.settings import Settings
from keepwell.channels.kinds.mail import Mail
from keepwell.channels.mail_address import is_address
from keepwell.facts.message import Message, Receipt
from keepwell.jobs.audit import record_act
from keepwell.jobs.package import newest_versions
from keepwell.jobs.route import means_of
from keepwell.store.models import Member, Sending
from keepwell.store.read.package import templates_of
from keepwell.store.read.sending import may_set_sending, may_stop_sending

# A test says something about the settings for so long.
TEST_HOLDS: Final = timedelta(days=1)
_TEST: Final = (
    "A test message of Keepwell",
    "This is a test of the mail server that messages to contacts will leave by. Nothing else was sent.\n",
)


def do_test_sending(settings: Settings, address: str, member: Member | None, *, by: str, now: datetime) -> Receipt:
    """Send a test to an address of yours; only what arrived there shows that sending works."""
    _refuse_others(member)
    if not is_address(address.strip()):
        raise UserError(f"{address[:120]!r} is not one mail address; expected one such as ada@example.org.")
    means = means_of(settings)
    channel = Mail()
    address = channel.checked(address.strip(), means)
    receipt = channel.send(address, Message(secrets.token_hex(16), *_TEST, now), means)
    with transaction.atomic():
        record_act("sending_tested", "sending", {"outcome": receipt.outcome, "detail": receipt.detail}, by=by, now=now)
        if receipt.outcome == "sent":
            row = _row()
            row.tested_at = now
            row.save()
    return receipt


def do_turn_sending_on(settings: Settings, member: Member | None, *, by: str, now: datetime) -> None:
    """From now on messages leave. Refused without a mail server and a test of the last day that was taken."""
    _refuse_others(member)
    if means_of(settings).mail_server is None:
        raise UserError(
            "There is no mail server yet; set mail_host and mail_sender in keepwell.toml, test, and turn it on then."
        )
    with transaction.atomic():
        row = _row()
        if row.tested_at is None or now - row.tested_at > TEST_HOLDS:
            raise UserError("Send a test first: none of the last day was taken by the mail server.")
        _change(row, {"is_on": True, "is_stopped": False}, by, now)


def do_turn_sending_off(member: Member | None, *, by: str, now: datetime) -> None:
    """From now on what would leave goes to the outbox page alone."""
    _refuse_others(member)
    with transaction.atomic():
        _change(_row(), {"is_on": False}, by, now)


def do_stop_sending(member: Member | None, *, by: str, now: datetime) -> None:
    """At once, and for everybody who may act: nothing leaves until somebody lets it. What is due waits."""
    if member is not None and not may_stop_sending(member):
        raise UserError("You may look and not act, so you cannot stop messages; ask whoever may.")
    with transaction.atomic():
        _change(_row(), {"is_stopped": True}, by, now)


def do_resume_sending(member: Member | None, *, by: str, now: datetime) -> None:
    """Let messages leave again; what is too late by its own rule does not."""
    _refuse_others(member)
    with transaction.atomic():
        _change(_row(), {"is_stopped": False}, by, now)


def example_packages() -> list[str]:
    """Packages whose templates still name made-up people and links; nothing is sent with them."""
    found = set()
    for version in newest_versions():
        book = templates_of(version)
        if book is not None and book.settings.is_example:
            found.add(version.model.partition("/")[0])
    return sorted(found)


def _row() -> Sending:
    row, _ = Sending.objects.select_for_update().get_or_create(pk=1)
    return row


def _change(row: Sending, changes: Mapping[str, bool], by: str, now: datetime) -> None:
    before = {name: getattr(row, name) for name in changes}
    if before == changes:
        return
    for name, value in changes.items():
        setattr(row, name, value)
    row.changed_at, row.changed_by = now, by
    row.save()
    record_act("sending_changed", "sending", dict(changes), by=by, now=now)


def _refuse_others(member: Member | None) -> None:
    """Whoever has a shell on this machine may do everything; a member must be an owner or an admin."""
    if member is not None and not may_set_sending(member):
        raise UserError("Only owners and admins may change how messages leave; ask one of them.")
