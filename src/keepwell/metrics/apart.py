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
    found = ibis.table({key: BASE_SCHEMA[key] for key in KEYS}, name=ACCOUNTS)
    distinct = {column: value for column, value in aggregates.items() if _is_distinct(value)}
    for column, value in distinct.items():
        found = _joined(found, _distinct_over_few(events.table, column, value))
    for codes, columns in _sets(
        {column: _codes(aggregates[column]) for column in aggregates if column not in distinct}
    ):
        rows = events.table.filter(events.table.name.isin(sorted(codes)))
        moved = {column: _over(rows, events.table, aggregates[column]) for column in columns}
        found = _joined(found, rows.group_by(*KEYS).aggregate(**moved))
    none = {column: found[column].fill_null(0) for column, value in aggregates.items() if _is_count(value)}
    return found.mutate(**none)


def _joined(found: ir.Table, grouped: ir.Table) -> ir.Table:
    return found.left_join(grouped, list(KEYS)).drop("as_of_right", "account_right")


def _distinct_over_few(table: ir.Table, column: str, value: ir.Value) -> ir.Table:
    """A count of different values from the rows that meet its condition only; the others would be nulls to tell apart."""
    chosen = value.op().arg
    rows = table.filter(chosen.bool_expr.to_expr())
    return rows.group_by(*KEYS).aggregate(**{column: _over(rows, table, chosen.true_expr.to_expr()).nunique()})


def _is_distinct(value: ir.Value) -> bool:
    return isinstance(value.op(), ops.CountDistinct) and isinstance(value.op().arg, ops.IfElse)


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
