"""Reading single events back from the log."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from keepwell.facts.event_name import NameCodes
from keepwell.facts.moment import Moment
from keepwell.facts.traits import TraitEvent
from keepwell.lake import duck
from keepwell.lake.log import COLUMNS, EventLog, property_from_json
from keepwell.lake.snapshot import PropertyColumn
from keepwell.metrics.event_filter import EventFilter, Mention, Range


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event as it stands in the log, ids still integers; `sent_name` is missing where it is `name`."""

    account: int
    contact: int | None
    name: int
    at: datetime
    known_at: datetime
    source: str
    message_id: str
    imported: bool
    props: Mapping[str, object]
    sent_name: int | None


@dataclass(frozen=True, slots=True)
class Span:
    """First and last time of an account's events."""

    first_at: datetime
    last_at: datetime


def trait_events(
    log: EventLog, names: Mapping[int, str], moment: Moment, accounts: Sequence[int] | None = None
) -> Iterator[TraitEvent]:
    """Events with one of the names (by code), oldest first, as they were known at the moment."""
    for row in _named(log, names, moment, accounts, "props"):
        props = props_told(row.pop("props"))
        yield TraitEvent(**{**row, "name": names[row["name"]]}, props=props)


def status_events(
    log: EventLog, names: Mapping[int, str], moment: Moment, accounts: Sequence[int] | None = None
) -> Iterator[TraitEvent]:
    """Like `trait_events`, but tells `status` only: a narrow column, where all properties together are a wide one."""
    column = "p_status" if "status" in log.properties() else property_from_json("status", "text")
    for row in _named(log, names, moment, accounts, f"{column} AS status"):
        props = {"status": row.pop("status")}
        yield TraitEvent(**{**row, "name": names[row["name"]]}, props=props)


def spans(log: EventLog, moment: Moment, accounts: Sequence[int] | None = None) -> dict[int, Span]:
    """Time of the first and the last event of each account, as known at the moment."""
    files = [file.path for file in log.files(accounts)]
    if not files:
        return {}
    query = (
        f'SELECT account, min("at") AS first_at, max("at") AS last_at FROM {duck.files(files)} '
        f"WHERE {cut(moment)} {among(accounts)} GROUP BY account"
    )
    with duck.session() as database:
        return {row["account"]: Span(row["first_at"], row["last_at"]) for row in _rows(database, query)}


def known_between(log: EventLog, since: datetime, until: datetime) -> pa.Table:
    """Columns account, name, at and known_at of every event that became known from one moment to before another."""
    files = [file.path for file in log.files()]
    columns = ("account", "name", "at", "known_at")
    if not files:
        return pa.schema([COLUMNS.field(name) for name in columns]).empty_table()
    query = (
        f'SELECT account, name, "at", known_at FROM {duck.files(files)} '
        f"WHERE known_at >= {duck.instant(since)} AND known_at < {duck.instant(until)}"
    )
    with duck.session() as database:
        return database.sql(query).to_arrow_table()


def account_events(
    log: EventLog, account: int, moment: Moment, *, where: str, since: datetime | None, limit: int, offset: int
) -> tuple[list[LoggedEvent], int]:
    """One page of an account's events, newest first, and how many there are in all.

    `where` is SQL over the log's columns made by `reading`; `since` keeps events at or after it.
    """
    files = [file.path for file in log.files([account])]
    if not files:
        return [], 0
    begun = f' AND "at" >= {duck.instant(since)}' if since else ""
    rest = f"FROM {duck.files(files)} WHERE account = {int(account)} AND {cut(moment)}{begun} AND ({where})"
    columns = 'account, contact, name, "at", known_at, source, message_id, imported, props, sent_name'
    with duck.session() as database:
        # All rows are fetched: a result that is not read to its end blocks the session.
        ((total,),) = database.execute(f"SELECT count(*) {rest}").fetchall()
        page = f'SELECT {columns} {rest} ORDER BY "at" DESC, tie DESC LIMIT {int(limit)} OFFSET {int(offset)}'
        events = [LoggedEvent(**{**row, "props": props_told(row["props"])}) for row in _rows(database, page)]
    return events, total


def reading(log: EventLog, filters: Sequence[EventFilter], names: NameCodes) -> str:
    """SQL over the log's columns that holds for the events any of the filters reads."""
    stored = log.properties()
    return " OR ".join(f"({_filter(wanted, names, stored)})" for wanted in filters) or "TRUE"


def _named(
    log: EventLog, names: Mapping[int, str], moment: Moment, accounts: Sequence[int] | None, told: str
) -> Iterator[dict[str, Any]]:
    files = [file.path for file in log.files(accounts)]
    if not files or not names:
        return
    query = (
        f'SELECT account, contact, name, "at", known_at, {told} FROM {duck.files(files)} '
        f'WHERE name IN ({_listed(list(names))}) AND {cut(moment)} {among(accounts)} ORDER BY "at", tie'
    )
    with duck.session() as database:
        yield from _rows(database, query)


def _filter(wanted: EventFilter, names: NameCodes, stored: Mapping[str, PropertyColumn]) -> str:
    parts = [f"name IN ({_listed([names[name].code for name in wanted.events if name in names])})"]
    types = wanted.properties()
    for item, condition in wanted.where.items():
        column = duck.name(f"p_{item}") if item in stored else property_from_json(item, types[item])
        if isinstance(condition, Range):
            parts += [f"{column} {sign} {limit!r}" for sign, limit in condition.ends()]
        elif isinstance(condition, Mention):
            parts.append(f"regexp_matches(lower({column}), {duck.text(condition.pattern())})")
        else:
            values = condition if isinstance(condition, tuple) else (condition,)
            parts.append(f"{column} IN ({', '.join(_literal(value) for value in values)})")
    return " AND ".join(parts)


def _literal(value: bool | float | str) -> str:
    return duck.text(value) if isinstance(value, str) else repr(float(value))


def _rows(database: duckdb.DuckDBPyConnection, query: str) -> Iterator[dict[str, Any]]:
    # By way of Arrow: DuckDB's own rows would ask for pytz wherever there is an instant.
    for batch in database.sql(query).to_arrow_reader(65_536):
        yield from batch.to_pylist()


def props_told(props: str | None) -> dict[str, object]:
    return json.loads(props) if props else {}


def cut(moment: Moment) -> str:
    """SQL over the log's columns that holds for what had happened and was known at the moment."""
    happened, known = duck.instant(moment.happened_before), duck.instant(moment.known_before)
    return f'"at" < {happened} AND known_at < {known}'


def among(accounts: Sequence[int] | None) -> str:
    """More SQL over the log's columns, that holds for the events of these accounts (None: of all)."""
    # A join with many accounts skips their neighbours while it reads; a long list would be tried on every row.
    return "" if accounts is None else f"AND account IN (SELECT unnest([{_listed(accounts)}]::BIGINT[]))"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(int(number)) for number in numbers) or "NULL"
