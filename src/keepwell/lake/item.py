"""What the events of accounts name, counted: features in use, invoices that are open."""

from collections.abc import Sequence
from datetime import timedelta

from keepwell.facts.event_name import NameCodes
from keepwell.facts.item_count import ItemCount, OpenItem
from keepwell.facts.moment import Moment
from keepwell.lake import duck
from keepwell.lake.history import among, cut, reading
from keepwell.lake.log import EventLog, property_from_json
from keepwell.metrics.event_filter import EventFilter, PropertyType


def item_counts(
    log: EventLog,
    wanted: EventFilter,
    by: str,
    names: NameCodes,
    accounts: Sequence[int],
    moment: Moment,
    *,
    days: int,
    amount: str = "",
) -> dict[int, dict[str, ItemCount]]:
    """By account and value of the text property `by`, "" where an event has none: its uses in the last `days` days.

    A value that was used only before then has no uses.
    """
    files = [file.path for file in log.files(accounts)]
    if not files or not accounts:
        return {}
    recent = f'FILTER (WHERE "at" > {duck.instant(moment.as_of - timedelta(days=days))})'
    total = f"sum(TRY_CAST({_column(log, amount, 'number')} AS DECIMAL(38, 9))) {recent}" if amount else "NULL"
    query = (
        f"SELECT account, coalesce({_column(log, by, 'text')}, '') AS item, count(*) {recent} AS uses, "
        f'min("at") AS first_at, {total} AS total FROM {duck.files(files)} '
        f"WHERE {cut(moment)} {among(accounts)} AND ({reading(log, [wanted], names)}) GROUP BY ALL"
    )
    found: dict[int, dict[str, ItemCount]] = {}
    for row in duck.rows(query):
        found.setdefault(row["account"], {})[row["item"]] = ItemCount(row["uses"], row["first_at"], row["total"])
    return found


def items_told(
    log: EventLog, wanted: EventFilter, by: str, names: NameCodes, moment: Moment, *, days: int
) -> frozenset[str]:
    """The values of the text property `by` that any account told in the last `days` days."""
    files = [file.path for file in log.files()]
    if not files:
        return frozenset()
    since = duck.instant(moment.as_of - timedelta(days=days))
    query = (
        f"SELECT DISTINCT {_column(log, by, 'text')} AS item FROM {duck.files(files)} "
        f'WHERE {cut(moment)} AND "at" > {since} AND ({reading(log, [wanted], names)})'
    )
    return frozenset(row["item"] for row in duck.rows(query) if row["item"])


def open_items(
    log: EventLog,
    opening: EventFilter,
    closing: EventFilter,
    of: str,
    amount: str,
    names: NameCodes,
    accounts: Sequence[int],
    moment: Moment,
    *,
    days: int,
) -> dict[int, list[OpenItem]]:
    """What the metric kind `open_items` counts, each with the newest `amount` and `currency` that opened it."""
    files = [file.path for file in log.files(accounts)]
    if not files or not accounts:
        return {}
    opens = f'({reading(log, [opening], names)}) AND "at" > {duck.instant(moment.as_of - timedelta(days=days))}'
    closes = f"({reading(log, [closing], names)})"
    told = {name: _column(log, item, kind) for name, item, kind in _told(amount)}
    newest = ", ".join(
        f'arg_max({column}, ("at", tie)) FILTER (WHERE {opens}) AS {name}' for name, column in told.items()
    )
    query = (
        f"SELECT account, coalesce({_column(log, of, 'text')}, '') AS item, {newest}, "
        f'max("at") FILTER (WHERE {opens}) AS opened, max("at") FILTER (WHERE {closes}) AS closed '
        f"FROM {duck.files(files)} WHERE {cut(moment)} {among(accounts)} AND (({opens}) OR {closes}) "
        "GROUP BY account, item HAVING opened IS NOT NULL AND (closed IS NULL OR opened > closed)"
    )
    found: dict[int, list[OpenItem]] = {}
    for row in duck.rows(f"SELECT *, CAST(amount AS DECIMAL(38, 9)) AS exact FROM ({query})"):
        found.setdefault(row["account"], []).append(OpenItem(row["exact"], row["currency"] or ""))
    return found


def _told(amount: str) -> Sequence[tuple[str, str, PropertyType]]:
    return (("amount", amount, "number"), ("currency", "currency", "text"))


def _column(log: EventLog, item: str, kind: PropertyType) -> str:
    return duck.name(f"p_{item}") if item in log.properties() else property_from_json(item, kind)
