"""The query of a model: one scan, nothing computed twice."""

import pytest

from keepwell.metrics.compile import Dialect, compile_metrics
from keepwell.metrics.metric import Metric
from tests.unit.metrics.test_parameters import ASKED, USED, metric

CODES = {"feature_used": 1, "asked": 2, "replied": 3, "subscription_changed": 4}
COUNT = metric("count", {**USED, "days": 30})


def query(dialect: Dialect = "duckdb", **metrics: Metric) -> str:
    return compile_metrics(metrics, CODES, {}, dialect)


def test_equal_aggregates_of_different_metrics_are_computed_once() -> None:
    change = metric("change", {**USED, "days": 30})
    assert query(uses=COUNT, change=change).count("COUNT(") == 2


def test_metrics_over_the_same_requests_share_one_inner_step() -> None:
    rate, wait = metric("response_rate", ASKED), metric("response_time", {**ASKED, "days": 90})
    assert query(rate=rate, wait=wait).count("LEFT OUTER JOIN") == 1


def test_a_metric_whose_events_nobody_told_reads_nothing() -> None:
    silent = metric("count", {"events": ["never_told"], "days": 30})
    mixed = metric("mix", {"of": {"silent": 1, "uses": 1}})
    assert query(silent=silent, uses=COUNT, mixed=mixed).count("COUNT(") == 1


def test_values_of_128_bits_get_the_type_that_an_engine_compares_fastest() -> None:
    seats = metric("last_value", {"events": ["subscription_changed"], "property": "seats"})
    assert "INT128" in query(seats=seats)
    assert "DECIMAL(38, 0)" in query("spark", seats=seats)


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_a_metric_is_found_after_the_ones_it_uses(dialect: Dialect) -> None:
    outer = metric("mix", {"of": {"inner": 1, "uses": 1}})
    inner = metric("quotient", {"metric": "uses", "by": "uses"})
    # A name is only known to the levels above the one that gives it, so a wrong order would not compile.
    assert query(dialect, outer=outer, inner=inner, uses=COUNT).startswith("SELECT")
