"""Giving integers to the ids of a batch, before rows of the log use them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from keepwell.lake.encode import Dictionaries, Unknown
from keepwell.store.models import Account, Contact, EventName
from keepwell.store.read.dictionary import account_keys, contact_keys, event_name_keys

ROWS_A_STATEMENT: Final = 5_000
# A name no row carries yet was never known; the first row that carries it moves the moment back.
LONG_AFTER: Final = datetime(9999, 12, 31, tzinfo=UTC)


def read_dictionaries(held: Dictionaries | None = None) -> Dictionaries:
    """Every integer there is; with `held`, only what came after it is read."""
    if held is None:
        return Dictionaries(account_keys(), contact_keys(), event_name_keys())
    return Dictionaries(
        _joined(held.accounts, account_keys(_last(held.accounts))),
        _joined(held.contacts, contact_keys(_last(held.contacts))),
        _joined(held.names, event_name_keys(_last(held.names))),
    )


def learn_ids(unknown: Unknown, held: Dictionaries) -> Dictionaries:
    """Enter the ids that the dictionaries lack, and give the dictionaries with them."""
    if not (unknown.accounts or unknown.contacts or unknown.names):
        return held
    with transaction.atomic():
        Account.objects.bulk_create(
            [Account(key=key) for key in unknown.accounts], ignore_conflicts=True, batch_size=ROWS_A_STATEMENT
        )
        EventName.objects.bulk_create(
            [EventName(name=name, first_known_at=LONG_AFTER) for name in unknown.names], ignore_conflicts=True
        )
        held = read_dictionaries(held)
        if unknown.contacts:
            ids = dict(zip(held.accounts["key"].to_pylist(), held.accounts["id"].to_pylist(), strict=True))
            Contact.objects.bulk_create(
                [Contact(account_id=ids[account], key=key) for account, key in unknown.contacts],
                ignore_conflicts=True,
                batch_size=ROWS_A_STATEMENT,
            )
        return read_dictionaries(held)


def learn_names(names: Sequence[str], held: Dictionaries) -> Dictionaries:
    """Enter event names, and give the dictionaries with them."""
    EventName.objects.bulk_create(
        [EventName(name=name, first_known_at=LONG_AFTER) for name in names], ignore_conflicts=True
    )
    return read_dictionaries(held)


def note_first_known(rows: pa.Table) -> None:
    """Move the moment at which a name was first known back to the earliest of these rows of the log."""
    first = rows.group_by("name").aggregate([("known_at", "min")])
    with transaction.atomic():
        for name_id, known_at in zip(first["name"].to_pylist(), first["known_at_min"].to_pylist(), strict=True):
            EventName.objects.filter(pk=name_id, first_known_at__gt=known_at).update(first_known_at=known_at)


def _last(table: pa.Table) -> int:
    return pc.max(table["id"]).as_py() or 0


def _joined(held: pa.Table, new: pa.Table) -> pa.Table:
    return pa.concat_tables([held, new]).combine_chunks() if len(new) else held
