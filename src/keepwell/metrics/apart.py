"""Aggregates over different event names, each from the rows of its own names.

Grouping everything at once tries every condition on every row. When the rows lie in memory in order of their names, as
in a back-test, it is cheaper to group the rows of each set of names apart, only those young enough to count, and to
join the groups.
"""

from collections.abc import Mapping
from typing import Final

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from keepwell.base.errors import BugError
from keepwell.metrics.events import BASE_SCHEMA, KEYS, MICROSECONDS_A_DAY, Events

ACCOUNTS: Final = "accounts_as_of"


def group_apart(events: Events, aggregates: Mapping[str, ir.Value]) -> ir.Table:
    """One row per row of `accounts_as_of`, with the aggregates as `events.table` grouped at once would give them."""
    table = events.table
    found = ibis.table({key: BASE_SCHEMA[key] for key in KEYS}, name=ACCOUNTS)
    distinct = {column: value for column, value in aggregates.items() if _is_distinct(value)}
    for column, value in distinct.items():
        found = _joined(found, _distinct_over_few(table, column, value))
    read = {column: (_codes(value), _days(value)) for column, value in aggregates.items() if column not in distinct}
    for codes, days, columns in _sets(read):
        rows = table.filter(table.name.isin(sorted(codes)), *_younger(table, days))
        moved = {column: _over(rows, table, aggregates[column]) for column in columns}
        found = _joined(found, rows.group_by(*KEYS).aggregate(**moved))
    none = {column: found[column].fill_null(0) for column, value in aggregates.items() if _is_count(value)}
    return found.mutate(**none)


def _joined(found: ir.Table, grouped: ir.Table) -> ir.Table:
    return found.left_join(grouped, list(KEYS)).drop("as_of_right", "account_right")


def _distinct_over_few(table: ir.Table, column: str, value: ir.Value) -> ir.Table:
    """A count of different values from the rows that meet its condition; the others would be nulls to tell apart."""
    chosen = value.op().arg
    rows = table.filter(*_younger(table, _days(value)), chosen.bool_expr.to_expr())
    return rows.group_by(*KEYS).aggregate(**{column: _over(rows, table, chosen.true_expr.to_expr()).nunique()})


def _younger(table: ir.Table, days: int | None) -> list[ir.BooleanValue]:
    # By age and not by the number of days: an engine can turn this into a range of times to read.
    return [] if days is None else [table.age < days * MICROSECONDS_A_DAY]


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


def _days(value: ir.Value) -> int | None:
    """How many days back an aggregate can look: an event that fails its condition is a null, which it skips."""
    tests = [argument.bool_expr for argument in value.op().args if isinstance(argument, ops.IfElse)]
    bounds = []
    while tests:
        test = tests.pop()
        if isinstance(test, ops.And):
            tests += [test.left, test.right]
        elif isinstance(test, ops.Less) and isinstance(test.left, ops.Field) and test.left.name == "days_ago":
            bounds.append(int(test.right.value))
    return min(bounds, default=None)


def _sets(read: Mapping[str, tuple[frozenset[int], int | None]]) -> list[tuple[frozenset[int], int | None, list[str]]]:
    """Columns whose names overlap, directly or through others, together; those that look back for ever apart."""
    sets: list[tuple[frozenset[int], int | None, list[str]]] = []
    for column, (codes, days) in read.items():
        columns = [column]
        others = []
        for other in sets:
            if other[0] & codes and (other[1] is None) == (days is None):
                codes, columns = other[0] | codes, other[2] + columns
                days = None if days is None else max(days, other[1] or 0)
            else:
                others.append(other)
        sets = [*others, (codes, days, columns)]
    return sets


def _over(rows: ir.Table, table: ir.Table, value: ir.Value) -> ir.Value:
    return value.op().replace({table.op(): rows.op()}).to_expr()


def _is_count(value: ir.Value) -> bool:
    return isinstance(value.op(), (ops.Count, ops.CountStar, ops.CountDistinct))
