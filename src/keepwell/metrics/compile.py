"""All metrics of a model as one query, in the SQL of an engine.

The query reads `events_as_of` and gives one row per `as_of` and account with one column per metric.
It depends on the metrics and the codes of the event names only, never on the moment of scoring.
"""

from collections.abc import Mapping
from functools import reduce
from graphlib import TopologicalSorter
from operator import or_
from typing import Literal

import ibis
import ibis.config
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler
from ibis.backends.sql.compilers.pyspark import PySparkCompiler

from keepwell.metrics.apart import group_apart
from keepwell.metrics.event_filter import PropertyType
from keepwell.metrics.events import KEYS, MICROSECONDS_A_DAY, Events, newest_age
from keepwell.metrics.metric import Metric

Dialect = Literal["duckdb", "spark"]
FRESH = "newest age"


class _DuckDB(DuckDBCompiler):  # type: ignore[misc]
    """Counts what meets a condition in the way that DuckDB does fastest."""

    def visit_Count(self, op: ops.Count, *, arg: sge.Expression, where: sge.Expression | None) -> object:  # noqa: N802
        if where is None and isinstance(arg, sge.If):
            return self.f.count_if(arg.this)
        return super().visit_Count(op, arg=arg, where=where)


class _SparkOptions(ibis.config.Config):  # type: ignore[misc]
    """The one option the Spark compiler asks for; Ibis sets it only when its Spark backend is loaded."""

    treat_nan_as_null: bool = False


def properties_of(metrics: Mapping[str, Metric]) -> dict[str, PropertyType]:
    """Every event property the metrics read, with its type."""
    found: dict[str, PropertyType] = {}
    for metric in metrics.values():
        found.update(metric.properties())
    return found


def expression(
    metrics: Mapping[str, Metric], codes: Mapping[str, int], fresh_days: Mapping[str, int], *, apart: bool = False
) -> ir.Table:
    """The query as an expression.

    `codes` holds the event names that the log knows: a metric over names it has never heard of is missing, not 0.
    `fresh_days` makes a value missing when the newest event behind it is older. With `apart`, aggregates over
    different event names are grouped apart, each from the rows of its names only, and the accounts come from
    `accounts_as_of`; the values are the same.
    """
    events = Events(properties_of(metrics), codes)
    told = {metric_id: metric for metric_id, metric in metrics.items() if _is_delivered(metric, codes)}
    shared: dict[object, str] = {}
    aggregates: dict[str, ir.Value] = {}
    named: dict[str, dict[str, str]] = {}
    for metric_id, metric in told.items():
        found = dict(metric.parts(events))
        if metric_id in fresh_days and metric.reads():
            found[FRESH] = newest_age(reduce(or_, map(events.matching, metric.reads())), events)
        named[metric_id] = {}
        for part, value in found.items():
            column = shared.setdefault(value.op(), f"a{len(shared)}")
            aggregates[column] = value
            named[metric_id][part] = column
    grouped = group_apart(events, aggregates) if apart else events.table.group_by(*KEYS).aggregate(**aggregates)
    grouped = _join_sides(grouped, told, events, named)
    return _values(grouped, metrics, named, fresh_days)


def compile_metrics(
    metrics: Mapping[str, Metric],
    codes: Mapping[str, int],
    fresh_days: Mapping[str, int],
    dialect: Dialect,
    *,
    apart: bool = False,
) -> str:
    """The query as text of one engine; `apart` as in `expression`."""
    wanted = expression(metrics, codes, fresh_days, apart=apart)
    if dialect == "duckdb":
        return str(_DuckDB().to_sqlglot(wanted).transform(_hugeint).sql(dialect="duckdb"))
    if ibis.options.pyspark is None:
        ibis.options.pyspark = _SparkOptions()
    compiler = PySparkCompiler()
    return str(compiler.to_sqlglot(wanted).sql(dialect=compiler.dialect))


def _hugeint(node: sge.Expression) -> sge.Expression:
    """DuckDB's 128-bit integer for what Ibis, which has none, calls a decimal without places: it compares faster."""
    if isinstance(node, sge.DataType) and node.sql("duckdb") == "DECIMAL(38, 0)":
        return sge.DataType.build("HUGEINT", dialect="duckdb")
    return node


def _join_sides(
    grouped: ir.Table, metrics: Mapping[str, Metric], events: Events, named: dict[str, dict[str, str]]
) -> ir.Table:
    sides: dict[object, tuple[ir.Table, dict[str, ir.Value]]] = {}
    for metric_id, metric in metrics.items():
        side = metric.side(events)
        if side is None:
            continue
        number = list(sides).index(side.rows.op()) if side.rows.op() in sides else len(sides)
        _, aggregates = sides.setdefault(side.rows.op(), (side.rows, {}))
        for part, value in side.aggregates.items():
            named[metric_id][part] = f"s{number}_{len(aggregates)}"
            aggregates[named[metric_id][part]] = value
    joined = grouped
    # Keys of their own keep this one flat join; equal names would need a subquery for every side.
    for number, (rows, aggregates) in enumerate(sides.values()):
        keys = {f"s{number}_{key}": key for key in KEYS}
        side_values = rows.group_by(*KEYS).aggregate(**aggregates).rename(keys)
        joined = joined.left_join(side_values, [(key, own) for own, key in keys.items()])
    return joined


def _is_delivered(metric: Metric, codes: Mapping[str, int]) -> bool:
    return all(any(name in codes for name in wanted.events) for wanted in metric.reads())


def _values(
    table: ir.Table,
    metrics: Mapping[str, Metric],
    named: Mapping[str, Mapping[str, str]],
    fresh_days: Mapping[str, int],
) -> ir.Table:
    # One projection per level of use, not per metric: every level repeats all columns below it.
    levels = TopologicalSorter({metric_id: metric.uses() for metric_id, metric in metrics.items()})
    levels.prepare()
    while levels.is_active():
        level = levels.get_ready()
        table = table.mutate(**{f"m_{name}": _value(table, metrics, name, named, fresh_days) for name in level})
        levels.done(*level)
    return table.select(*KEYS, *(f"m_{metric_id}" for metric_id in metrics))


def _value(
    table: ir.Table,
    metrics: Mapping[str, Metric],
    metric_id: str,
    named: Mapping[str, Mapping[str, str]],
    fresh_days: Mapping[str, int],
) -> ir.Value:
    columns = named.get(metric_id)
    if columns is None:
        return ibis.null("float64")
    metric = metrics[metric_id]
    part = {name: table[column] for name, column in columns.items() if name != FRESH}
    part.update({other: table[f"m_{other}"] for other in metric.uses()})
    value = metric.value(part).cast("float64")
    if FRESH not in columns:
        return value
    return (table[columns[FRESH]] <= fresh_days[metric_id] * MICROSECONDS_A_DAY).ifelse(value, None)
