"""Accounts that somebody told of, as events: each content of an account once, however often it is told.

Ids are made here for who gives none. A content that an account had before, and has again after another one, is news:
the number of the telling is part of the id, and stays the same as long as the content does.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

from django.db import DatabaseError, InterfaceError, transaction

from keepwell.base.errors import UserError
from keepwell.base.instant import microseconds
from keepwell.base.settings import Settings
from keepwell.connectors.dialect import Sender
from keepwell.connectors.dialects.accounts import Accounts, ToldAccount, told_accounts
from keepwell.facts.inbound import Inbound, Reading, Refusal
from keepwell.jobs.inbox import Arrival, Inbox, NotCertainError
from keepwell.jobs.secret import open_vault
from keepwell.jobs.source import HTTP, do_create_source
from keepwell.store.models import Source, Telling

API_SOURCE: Final = "api"
_TRUSTED: Final = Sender(is_trusted=True, trusted_names=frozenset())
_ROWS: Final = 500


def do_open_api_source(settings: Settings, *, by: str, now: datetime) -> Source:
    """The source of what keys that manage tell, made at its first use."""
    found = Source.objects.filter(name=API_SOURCE).first()
    if found is None:
        found = do_create_source(API_SOURCE, vault=open_vault(settings), by=by, now=now)
    if not found.is_active or found.connector != HTTP:
        raise UserError(
            f"The source {API_SOURCE!r} is stopped, or comes in by a connector; resume it by "
            f"'keepwell source resume {API_SOURCE}', or use a key of kind srv of another source."
        )
    return found


def do_upsert_accounts(
    inbox: Inbox, body: bytes, *, source: int, key: int, now: datetime
) -> list[ToldAccount | Refusal]:
    """What became of each account of a batch, in its order; returns once everything is on disk.

    Raises `UnreadableError` for a body without a batch, and `NotCertainError` when the batch must be sent again. The
    events are the record of it, so no act is recorded.
    """
    found = told_accounts(body, _TRUSTED, known_at=microseconds(now))
    reading = Reading(refusals=[one for one in found if isinstance(one, Refusal)])
    try:
        reading.events = _numbered([one for one in found if isinstance(one, ToldAccount)], source, now)
    except (DatabaseError, InterfaceError) as error:
        raise NotCertainError(str(error)) from error
    if reading.received:
        inbox.start()
        inbox.keep(Arrival(source, key, now, Accounts.kind, reading))
    return found


def _numbered(told: Sequence[ToldAccount], source: int, now: datetime) -> list[Inbound]:
    """The events of all, in their order; what was told of each account is written down with its number."""
    events: list[Inbound] = []
    with transaction.atomic():
        last = _last_told(source, {one.account for one in told})
        for one in told:
            row = last.get(one.account)
            if row is None:
                row = last[one.account] = Telling(source=source, key=one.account, number=0)
            if row.digest != one.digest:
                row.digest, row.number, row.at = one.digest, row.number + 1, now
            made = sha256(f"{source}\0{one.account}\0{row.number}\0{one.digest}".encode()).hexdigest()[:32]
            events += one.inbound(one.message_id or f"upsert-{made}", microseconds(row.at))
        Telling.objects.bulk_create(
            last.values(),
            update_conflicts=True,
            update_fields=["digest", "number", "at"],
            unique_fields=["source", "key"],
            batch_size=_ROWS,
        )
    return events


def _last_told(source: int, keys: set[str]) -> dict[str, Telling]:
    """Rows of these accounts, locked in one order; without their primary keys, so that they can be written again."""
    found: dict[str, Telling] = {}
    ordered = sorted(keys)
    for start in range(0, len(ordered), _ROWS):
        rows = Telling.objects.select_for_update().filter(source=source, key__in=ordered[start : start + _ROWS])
        for row in rows.order_by("key"):
            row.pk = None
            found[row.key] = row
    return found
