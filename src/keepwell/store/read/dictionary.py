"""The integers the log uses for accounts, contacts and event names."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from keepwell.facts.event_name import NameCode
from keepwell.store.models import Account, Contact, EventName


def account_keys(after: int = 0) -> pa.Table:
    """Columns id and key of every account whose integer is above `after`."""
    rows = list(Account.objects.filter(pk__gt=after).values_list("id", "key"))
    return _table({"id": [row[0] for row in rows], "key": [row[1] for row in rows]})


def contact_keys(after: int = 0) -> pa.Table:
    """Columns id, account and key of every contact whose integer is above `after`."""
    rows = list(Contact.objects.filter(pk__gt=after).values_list("id", "account_id", "key"))
    ids, accounts, keys = ([row[place] for row in rows] for place in range(3))
    return _table({"id": ids, "account": accounts, "key": keys})


def event_name_keys(after: int = 0) -> pa.Table:
    """Columns id and key of every event name whose integer is above `after`."""
    rows = list(EventName.objects.filter(pk__gt=after).values_list("id", "name"))
    return _table({"id": [row[0] for row in rows], "key": [row[1] for row in rows]})


def name_codes() -> dict[str, NameCode]:
    """Every event name the log has seen."""
    rows = EventName.objects.all()
    return {row.name: NameCode(row.pk, row.first_known_at, row.mapping, row.known_before) for row in rows}


def _table(columns: Mapping[str, Sequence[int | str]]) -> pa.Table:
    types = {"id": pa.int64(), "account": pa.int64(), "key": pa.string()}
    return pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
