"""Both engines give the same values: every metric kind, over a log, as of several moments."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from keepwell.base.registry import kinds
from keepwell.facts.moment import Moment
from keepwell.facts.values import Values
from keepwell.lake.duckdb_engine import DuckEngine
from keepwell.lake.engine import Question
from keepwell.lake.log import EventLog
from keepwell.lake.spark_engine import SparkEngine
from keepwell.metrics.compile import compile_metrics
from keepwell.metrics.events import RELATION
from keepwell.metrics.metric import Metric
from tests.contracts.every_kind import FRESH_DAYS, METRICS
from tests.contracts.log_world import START, codes, random_arrivals, write_log
from tests.contracts.metric_cases import KINDS, UNDER_TEST, cases
from tests.contracts.spark_cluster import session_settings, spark_cluster

pytestmark = pytest.mark.spark

SEED = 20261120
ACCOUNTS = 40
LATEST = START + timedelta(days=119, hours=6)
MOMENTS = [
    Moment.at(LATEST),
    Moment.at(START + timedelta(days=60)),
    Moment(START + timedelta(days=90), START + timedelta(days=80), START + timedelta(days=90)),
    Moment.at(START - timedelta(days=1)),
]
# What one day looked like to somebody who did not know the newest facts, beside what was so.
SAME_DAY = [Moment.at(LATEST), Moment(LATEST, LATEST, START + timedelta(days=100))]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    folder = tmp_path_factory.mktemp("spark")
    with spark_cluster(folder) as master:
        engine = SparkEngine(master, session_settings(folder))
        try:
            yield engine
        finally:
            engine.close()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    random = np.random.default_rng(SEED)
    arrivals = random_arrivals(random, ACCOUNTS, 4000)
    batches = [arrivals[:2500], arrivals[2500:3200], arrivals[3200:]]
    return write_log(tmp_path_factory.mktemp("log"), batches, settled=1)


def test_every_kind_is_compared() -> None:
    assert {metric.kind for metric in METRICS.values()} == set(kinds("keepwell.metrics.kinds", Metric))


@pytest.mark.parametrize(
    ("moments", "accounts"),
    [(MOMENTS, None), (SAME_DAY, [3, 7, 8, 39, 4000]), (MOMENTS[:1], list(range(1, 1000, 2)))],
    ids=["all", "few", "many"],
)
def test_engines_agree_on_every_kind(
    spark: SparkEngine, log: EventLog, moments: list[Moment], accounts: list[int] | None
) -> None:
    question = Question(METRICS, codes(), moments, accounts, FRESH_DAYS)
    for embedded, distributed in zip(DuckEngine().values(log, question), spark.values(log, question), strict=True):
        _assert_same(embedded, distributed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_gives_the_values_of_its_cases_on_spark(spark: SparkEngine, kind: str) -> None:
    for case in cases(kind):
        session = spark._session.newSession()
        session.createDataFrame(case.events).createOrReplaceTempView(RELATION)
        query = compile_metrics(case.metrics, case.codes, case.fresh_days, "spark")
        found = {row["account"]: row[f"m_{UNDER_TEST}"] for row in session.sql(query).toArrow().to_pylist()}
        assert found == {
            account: None if value is None else pytest.approx(value, rel=1e-12, abs=0)
            for account, value in case.expected.items()
        }, case.name


def test_engines_agree_on_an_empty_log(spark: SparkEngine, tmp_path: Path) -> None:
    log = write_log(tmp_path, [], settled=0)
    question = Question(METRICS, codes(), MOMENTS[:1])
    _assert_same(DuckEngine().values(log, question)[0], spark.values(log, question)[0])


def _assert_same(embedded: Values, distributed: Values) -> None:
    assert embedded.as_of == distributed.as_of
    assert embedded.accounts.tolist() == distributed.accounts.tolist()
    for place, metric in enumerate(embedded.metrics):
        np.testing.assert_allclose(
            distributed.matrix[:, place], embedded.matrix[:, place], rtol=1e-9, atol=1e-9, err_msg=metric
        )
