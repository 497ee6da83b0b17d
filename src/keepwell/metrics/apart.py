"""Aggregates over different event names, each from the rows of its own names.

Grouping everything at once tries every condition on every row. When the rows lie in memory in order of their names, as
in a back-test, it is cheaper to group the rows of each set of names apart and to join the groups.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from keepwell.base.errors import BugError
from keepwell.metrics.events import BASE_SCHEMA, KEYS, Events

ACCOUNTS: Final = "accounts_as_of"


def group_apart(events: Events, aggregates: Mapping[str, ir.Value]) -> ir.Table:
    """One row per row of `accounts_as_of`, with the aggregates as `events.table` grouped at once would give them."""
    grouped = ibis.table({key: BASE_SCHEMA[key] for key in KEYS}, name=ACCOUNTS)
    for codes, columns in _sets({column: _codes(value) for column, value in aggregates.items()}):
        rows = events.table.filter(events.table.name.isin(sorted(codes)))
        moved = {column: _over(rows, events.table, aggregates[column]) for column in columns}
        found = rows.group_by(*KEYS).aggregate(**moved)
        grouped = grouped.left_join(found, list(KEYS)).drop("as_of_right", "account_right")
    none = {column: grouped[column].fill_null(0) for column, value in aggregates.items() if _is_count(value)}
    return grouped.mutate(**none)


def _codes(value: ir.Value) -> frozenset[int]:
    """The event names without which an aggregate sees nothing: every kind asks for its events by name."""
    found = {
        option.value
        for test in value.op().find(ops.InValues)
        if isinstance(test.value, ops.Field) and test.value.name == "name"
        for option in test.options
    }
    if not found:
        raise BugError(f"an aggregate reads events of every name: {value}")
    return frozenset(found)


def _sets(codes: Mapping[str, frozenset[int]]) -> Iterable[tuple[frozenset[int], list[str]]]:
    """Columns whose names overlap, directly or through others, together."""
    sets: list[tuple[frozenset[int], list[str]]] = []
    for column, read in codes.items():
        joined, columns = read, [column]
        apart = []
        for other, others in sets:
            if other & joined:
                joined, columns = joined | other, others + columns
            else:
                apart.append((other, others))
        sets = [*apart, (joined, columns)]
    return sets


def _over(rows: ir.Table, table: ir.Table, value: ir.Value) -> ir.Value:
    return value.op().replace({table.op(): rows.op()}).to_expr()


def _is_count(value: ir.Value) -> bool:
    return isinstance(value.op(), (ops.Count, ops.CountStar, ops.CountDistinct))
