"""The weight tree as lines, and what hangs on each raw signal."""

import pytest

from keepwell.health.load import load_package
from keepwell.health.raw_signal import RawSignal, signal_weights
from keepwell.health.weight import NANO
from keepwell.health.weight_tree import weight_rows, weight_tree_text
from tests.unit.health.samples import METRICS, MODEL, sample, shipped


def test_the_tree_of_a_small_model() -> None:
    text = sample(
        metrics=METRICS.replace("    where: {on_time: true}\n", "").replace(
            "title: Seats", "title: Seats\n    self_caused: true"
        )
    )
    package = load_package(text, {})
    assert weight_tree_text(package, package.models["small"]) == (
        "sample/small v1: Health\n"
        "  60.00  Usage\n"
        "  60.00    Active rate\n"
        "  40.00  Money\n"
        "  25.00    Payments\n"
        "  15.00    Seats  (self-caused)\n"
    )


def test_a_signal_that_two_metrics_read_counts_for_both_x35() -> None:
    text = sample(metrics=METRICS.replace("kind: count\n", "kind: sum\n    property: amount\n"))
    package = load_package(text, {})
    model = package.models["small"]
    assert [(one.signal, one.nano // NANO, one.metrics) for one in signal_weights(package, model)] == [
        (RawSignal("signed_in"), 60, ("active_rate",)),
        (RawSignal("paid", "amount"), 40, ("payments", "seats")),
    ]
    assert "  40.00  paid.amount: payments, seats\n" in weight_tree_text(package, model)


def test_a_mix_reads_what_its_metrics_read() -> None:
    mix = "  blend: {title: Blend, kind: mix, unit: share, better: up, of: {active_rate: 1, seats: 2}}\n"
    model = MODEL.replace("metric: active_rate", "metric: blend")
    package = load_package(sample(metrics=METRICS + mix, model=model), {})
    found = {str(one.signal): one.nano // NANO for one in signal_weights(package, package.models["small"])}
    assert found == {"signed_in": 60, "paid.amount": 75, "paid": 25}


@pytest.mark.parametrize("name", ["saas", "crypto"])
def test_the_shipped_trees_add_up(name: str) -> None:
    package = shipped(name)
    for model in package.models.values():
        rows = weight_rows(package, model)
        assert sum(row.nano for row in rows if row.depth == 0) == 100 * NANO
        assert sum(row.nano for row in rows if row.metric) == 100 * NANO
        assert weight_tree_text(package, model).count("\n") > len(rows)


def test_self_caused_and_predictive_measures_are_marked_x36() -> None:
    package = shipped("crypto")
    text = weight_tree_text(package, package.models["crypto"])
    marked = {
        row.metric for row in weight_rows(package, package.models["crypto"]) if row.is_self_caused or row.is_predictive
    }
    assert {"outreach_response_rate", "renewal_probability"} <= marked
    assert text.count("(self-caused)") + text.count("(predictive)") == len(marked)
