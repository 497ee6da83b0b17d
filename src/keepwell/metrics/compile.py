"""All metrics of a model as one query, in the SQL of an engine.

The query reads `events_as_of` and gives one row per `as_of` and account with one column per metric.
It depends on the metrics and the codes of the event names only, never on the moment of scoring.
"""

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Literal

import ibis.config
import ibis.expr.types as ir
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler
from ibis.backends.sql.compilers.pyspark import PySparkCompiler

from keepwell.metrics.event_filter import PropertyType
from keepwell.metrics.events import MICROSECONDS_A_DAY, Events, newest_age
from keepwell.metrics.metric import Metric

Dialect = Literal["duckdb", "spark"]
KEYS = ("as_of", "account")
FRESH = "newest age"


class _SparkOptions(ibis.config.Config):
    """The one option the Spark compiler asks for; Ibis sets it only when its Spark backend is loaded."""

    treat_nan_as_null: bool = False


def properties_of(metrics: Mapping[str, Metric]) -> dict[str, PropertyType]:
    """Every event property the metrics read, with its type."""
    found: dict[str, PropertyType] = {}
    for metric in metrics.values():
        found.update(metric.properties())
    return found


def expression(metrics: Mapping[str, Metric], codes: Mapping[str, int], fresh_days: Mapping[str, int]) -> ir.Table:
    """The query as an expression; `fresh_days` makes a value missing when its newest event is older."""
    events = Events(properties_of(metrics), codes)
    shared: dict[object, str] = {}
    aggregates: dict[str, ir.Value] = {}
    named: dict[str, dict[str, str]] = {}
    for metric_id, metric in metrics.items():
        found = dict(metric.parts(events))
        if metric_id in fresh_days:
            seen = events.matching(metric.reads()[0])
            for other in metric.reads()[1:]:
                seen = seen | events.matching(other)
            found[FRESH] = newest_age(seen, events)
        named[metric_id] = {}
        for part, value in found.items():
            column = shared.setdefault(value.op(), f"a{len(shared)}")
            aggregates[column] = value
            named[metric_id][part] = column
    grouped = events.table.group_by(*KEYS).aggregate(**aggregates)
    grouped = _join_sides(grouped, metrics, events, named)
    return _values(grouped, metrics, named, fresh_days)


def compile_metrics(
    metrics: Mapping[str, Metric], codes: Mapping[str, int], fresh_days: Mapping[str, int], dialect: Dialect
) -> str:
    """The query as text of one engine."""
    if dialect == "duckdb":
        compiler: DuckDBCompiler | PySparkCompiler = DuckDBCompiler()
    else:
        if ibis.options.pyspark is None:
            ibis.options.pyspark = _SparkOptions()
        compiler = PySparkCompiler()
    query = compiler.to_sqlglot(expression(metrics, codes, fresh_days))
    return str(query.sql(dialect=compiler.dialect))


def _join_sides(
    grouped: ir.Table, metrics: Mapping[str, Metric], events: Events, named: dict[str, dict[str, str]]
) -> ir.Table:
    for metric_id, metric in metrics.items():
        side = metric.side(events)
        if side is None:
            continue
        names = {part: f"s{len(grouped.columns)}_{part}" for part in side.columns if part not in KEYS}
        renamed = side.rename({new: old for old, new in names.items()})
        grouped = grouped.left_join(renamed, list(KEYS)).drop("as_of_right", "account_right")
        named[metric_id].update(names)
    return grouped


def _values(
    grouped: ir.Table, metrics: Mapping[str, Metric], named: Mapping[str, Mapping[str, str]], fresh_days: Mapping[str, int]
) -> ir.Table:
    table = grouped
    for metric_id in _ordered(metrics):
        metric = metrics[metric_id]
        part = {name: table[column] for name, column in named[metric_id].items() if name != FRESH}
        part.update({other: table[f"m_{other}"] for other in metric.uses()})
        value = metric.value(part).cast("float64")
        if metric_id in fresh_days:
            limit = fresh_days[metric_id] * MICROSECONDS_A_DAY
            value = (table[named[metric_id][FRESH]] <= limit).ifelse(value, None)
        table = table.mutate(**{f"m_{metric_id}": value})
    return table.select(*KEYS, *(f"m_{metric_id}" for metric_id in metrics))


def _ordered(metrics: Mapping[str, Metric]) -> Sequence[str]:
    """Metrics after the ones they use; a package check refuses cycles before this runs."""
    return tuple(TopologicalSorter({name: metric.uses() for name, metric in metrics.items()}).static_order())
