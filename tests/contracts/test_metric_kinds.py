"""Every metric kind says what it is, and gives the values of its cases on the embedded engine."""

import importlib
import random
from collections.abc import Iterator, Mapping

import duckdb
import pyarrow as pa
import pytest

from keepwell.metrics.compile import Dialect, compile_metrics
from keepwell.metrics.metric import Metric
from tests.contracts.metric_cases import FOLDER, KINDS, UNDER_TEST, Case, cases, example

CASES = [case for kind in KINDS if (FOLDER / f"{kind}.yaml").exists() for case in cases(kind)]


def values(
    database: duckdb.DuckDBPyConnection,
    events: pa.Table,
    metrics: Mapping[str, Metric],
    codes: Mapping[str, int],
    fresh_days: Mapping[str, int] | None = None,
) -> dict[int, dict[str, float | None]]:
    """Values by account and metric."""
    return run(database, events, compile_metrics(metrics, codes, fresh_days or {}, "duckdb"))


def run(database: duckdb.DuckDBPyConnection, events: pa.Table, query: str) -> dict[int, dict[str, float | None]]:
    database.register("events_as_of", events)
    found: pa.Table = database.sql(query).to_arrow_table()
    rows = found.drop_columns(["as_of"]).to_pylist()
    return {row["account"]: {key.removeprefix("m_"): row[key] for key in row if key != "account"} for row in rows}


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_kind_gives_the_values_of_its_cases(database: duckdb.DuckDBPyConnection, case: Case) -> None:
    found = values(database, case.events, case.metrics, case.codes, case.fresh_days)
    assert set(found) == set(case.expected)
    for account, expected in case.expected.items():
        value = found[account][UNDER_TEST]
        assert value == (None if expected is None else pytest.approx(expected, rel=1e-12, abs=0)), f"account {account}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_order_of_the_rows_never_shows(database: duckdb.DuckDBPyConnection, case: Case) -> None:
    order = list(range(len(case.events)))
    random.Random(7).shuffle(order)
    shuffled = case.events.take(order)
    chunks = pa.concat_tables([shuffled.slice(place, 1) for place in range(len(shuffled))])
    query = compile_metrics(case.metrics, case.codes, case.fresh_days, "duckdb")
    assert run(database, chunks, query) == run(database, case.events, query)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_documented_with_an_example_and_cases(kind: str) -> None:
    module = importlib.import_module(f"keepwell.metrics.kinds.{kind}")
    assert len((module.__doc__ or "").split()) >= 10
    found = list(cases(kind))
    assert len(found) >= 2
    assert any(value is None for case in found for value in case.expected.values()), "no case of a missing value"
    assert example(kind).kind == kind


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_compiles_for_every_engine(kind: str, dialect: Dialect) -> None:
    case = next(cases(kind))
    text = compile_metrics(case.metrics, case.codes, case.fresh_days, dialect)
    assert text.startswith("SELECT")
    assert text == compile_metrics(case.metrics, case.codes, case.fresh_days, dialect)
