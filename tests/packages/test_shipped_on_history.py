"""Both shipped packages make sense of a simulated history: every metric has values, and health shows in the score."""

from datetime import UTC, datetime
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from keepwell.facts.values import Values
from keepwell.health.explain import key_risks
from keepwell.health.package import Package
from keepwell.health.score import Scores, score
from keepwell.simulator.flavour import PackageName
from keepwell.simulator.simulate import simulate
from keepwell.simulator.world import three_accounts, world
from tests.packages.history import account_ids, values_of
from tests.packages.shipped import shipped

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
BOTH = pytest.mark.parametrize("package", ["saas", "crypto"])


@cache
def history(package: PackageName) -> pa.Table:
    return simulate(package, seed=11, accounts=60, days=240, until=UNTIL)


@cache
def values(package: PackageName) -> Values:
    return values_of(shipped(package), history(package), UNTIL)


def points(scores: Scores, ids: dict[str, int], account: str) -> float:
    row = scores.row(ids[account])
    assert row is not None
    found = scores.points(row)
    assert found is not None
    return float(found)


def of_model(package: Package, found: Values) -> Scores:
    return score(found, package.models[package.id])


@BOTH
def test_every_metric_has_a_value_for_somebody_and_differs_between_accounts(package: PackageName) -> None:
    found = values(package)
    silent = [name for place, name in enumerate(found.metrics) if np.isnan(found.matrix[:, place]).all()]
    same = [name for place, name in enumerate(found.metrics) if np.nanstd(found.matrix[:, place]) == 0]
    assert silent == []
    assert same == []


@BOTH
def test_shares_lie_between_nothing_and_everything(package: PackageName) -> None:
    found = values(package)
    kinds = {"active_days_rate", "ratio", "adoption", "response_rate", "contact_spread"}
    shares = [n for n, name in enumerate(found.metrics) if shipped(package).metrics[name].kind in kinds]
    inside = found.matrix[:, shares]
    assert np.nanmin(inside) >= 0
    assert np.nanmax(inside) <= 1


@BOTH
def test_who_thrives_stands_above_who_slides_and_who_left(package: PackageName) -> None:
    scores, ids = of_model(shipped(package), values(package)), account_ids(history(package))
    assert points(scores, ids, "acme") >= 75
    assert points(scores, ids, "borealis") < 60
    assert points(scores, ids, "cobalt") < 40


@BOTH
def test_the_bands_spread_as_in_a_real_company(package: PackageName) -> None:
    model = shipped(package).models[package]
    scores = of_model(shipped(package), values(package))
    edges = [float(band.lo) for band in model.bands]
    counts = np.bincount(
        np.searchsorted(edges, scores.nano_points / 1e9, side="right") - 1, minlength=len(edges)
    ) / len(scores.accounts)
    assert counts[-1] > 0.1
    assert counts[-2] > 0.2
    assert counts[0] < 0.15
    assert scores.is_known.all()


def test_the_technical_score_knows_enough_of_most_accounts() -> None:
    technical = shipped("crypto").models["technical"]
    scores = score(values("crypto"), technical)
    assert scores.is_known.mean() > 0.8


@pytest.mark.requirement("A023", "A024")
def test_a_score_is_the_sum_of_weight_times_fraction() -> None:
    model, found = shipped("saas").models["saas"], values("saas")
    scores = score(found, model)
    complete = ~np.isnan(scores.values).any(axis=1)
    assert complete.sum() > 5
    expected = np.zeros(len(found.accounts))
    for measure in model.measures():
        column = found.matrix[:, found.metrics.index(measure.metric)]
        expected += float(measure.weight or 0) * measure.scale.fractions(column)
    assert np.allclose(scores.nano_points[complete] / 1e9, expected[complete], atol=1e-7)


@pytest.mark.requirement("A027")
def test_what_costs_a_silent_account_most_is_its_missing_use() -> None:
    scores = of_model(shipped("saas"), values("saas"))
    row = scores.row(account_ids(history("saas"))["cobalt"])
    assert row is not None
    reasons = key_risks(scores, row)
    assert reasons[0].metric == "daily_active_rate"
    assert reasons[0].nano > 10e9


def test_the_small_world_of_three_accounts_ends_as_told() -> None:
    small = world(three_accounts(UNTIL))
    scores, ids = of_model(shipped("saas"), values_of(shipped("saas"), small, UNTIL)), account_ids(small)
    assert points(scores, ids, "acme") > 80
    assert points(scores, ids, "borealis") < 60
    assert points(scores, ids, "cobalt") < 20
