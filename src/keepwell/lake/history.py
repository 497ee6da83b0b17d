"""Reading single events back from the log."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keepwell.facts.moment import Moment
from keepwell.facts.traits import TraitEvent
from keepwell.lake import duck
from keepwell.lake.log import EventLog


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event as it stands in the log, ids still integers."""

    account: int
    contact: int | None
    name: int
    at: datetime
    known_at: datetime
    source: str
    message_id: str
    imported: bool
    props: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Span:
    """First and last time of an account's events."""

    first_at: datetime
    last_at: datetime


def trait_events(
    log: EventLog, names: Mapping[int, str], moment: Moment, accounts: Sequence[int] | None = None
) -> Iterator[TraitEvent]:
    """Events with one of the names (by code), oldest first, as they were known at the moment."""
    files = [file.path for file in log.files(accounts)]
    if not files or not names:
        return
    query = (
        f'SELECT account, contact, name, "at", props FROM {duck.files(files)} '
        f'WHERE name IN ({_listed(list(names))}) AND {_cut(moment)} {_of(accounts)} ORDER BY "at", tie'
    )
    with duck.session() as database:
        for account, contact, name, at, props in database.execute(query).fetchall():
            yield TraitEvent(account, contact, names[name], at, json.loads(props) if props else {})


def spans(log: EventLog, moment: Moment, accounts: Sequence[int] | None = None) -> dict[int, Span]:
    """Time of the first and the last event of each account, as known at the moment."""
    files = [file.path for file in log.files(accounts)]
    if not files:
        return {}
    query = (
        f'SELECT account, min("at"), max("at") FROM {duck.files(files)} '
        f"WHERE {_cut(moment)} {_of(accounts)} GROUP BY account"
    )
    with duck.session() as database:
        return {account: Span(first, last) for account, first, last in database.execute(query).fetchall()}


def account_events(
    log: EventLog, account: int, moment: Moment, *, where: str, since: datetime | None, limit: int, offset: int
) -> tuple[list[LoggedEvent], int]:
    """One page of an account's events, newest first, and how many there are in all.

    `where` is SQL over the log's columns made by `condition_sql`; `since` keeps events at or after it.
    """
    files = [file.path for file in log.files([account])]
    if not files:
        return [], 0
    begun = f' AND "at" >= {duck.instant(since)}' if since else ""
    rest = f"FROM {duck.files(files)} WHERE account = {int(account)} AND {_cut(moment)}{begun} AND ({where})"
    columns = 'account, contact, name, "at", known_at, source, message_id, imported, props'
    with duck.session() as database:
        total = (database.execute(f"SELECT count(*) {rest}").fetchone() or (0,))[0]
        rows = database.execute(
            f'SELECT {columns} {rest} ORDER BY "at" DESC, tie DESC LIMIT {int(limit)} OFFSET {int(offset)}'
        ).fetchall()
    return [LoggedEvent(*row, json.loads(props) if props else {}) for *row, props in rows], total


def _cut(moment: Moment) -> str:
    happened, known = duck.instant(moment.happened_before), duck.instant(moment.known_before)
    return f'"at" < {happened} AND known_at < {known}'


def _of(accounts: Sequence[int] | None) -> str:
    return "" if accounts is None else f"AND account IN ({_listed(accounts)})"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(int(number)) for number in numbers) or "NULL"
