"""Reasons: what cost most points, and what won most."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.health.explain import (
    REASONS_SHOWN,
    Reason,
    key_risks,
    key_strengths,
    ranked_losses,
    ranked_wins,
)
from keepwell.health.health_model import HealthModel
from keepwell.health.score import score
from keepwell.health.weight import NANO
from tests.unit.health.samples import health_model, models, values, values_of

SMALL = health_model()


@pytest.mark.requirement("A027")
def test_risk_factors_are_the_points_lost_most_first() -> None:
    found = score(values_of([{"active_rate": 0.35, "payments": 0, "seats": 20}], SMALL.metrics()), SMALL)
    assert key_risks(found, 0) == (Reason("active_rate", 30 * NANO), Reason("payments", 25 * NANO))
    assert key_strengths(found, 0) == (Reason("seats", 15 * NANO),)


def test_a_missing_measure_is_no_reason() -> None:
    found = score(values_of([{"active_rate": 0}], SMALL.metrics()), SMALL)
    assert key_risks(found, 0) == (Reason("active_rate", 100 * NANO),)
    assert key_strengths(found, 0) == ()


@given(models(), st.data())
def test_the_ranking_of_all_is_that_of_each(model: HealthModel, data: st.DataObject) -> None:
    found = score(data.draw(values(model)), model)
    for row in range(len(found.accounts)):
        lost = (found.weights[row] - found.contributions[row]).tolist()
        told = [
            (-nano, metric)
            for nano, metric, value in zip(lost, found.measures, found.values[row], strict=True)
            if nano >= NANO and not np.isnan(value)
        ]
        expected = [Reason(metric, -nano) for nano, metric in sorted(told)[:REASONS_SHOWN]]
        assert list(key_risks(found, row)) == expected
        all_places = ranked_losses(found).places[row]
        assert [found.measures[place] for place in all_places if place >= 0] == [one.metric for one in expected]
        for place, nano in zip(ranked_wins(found).places[row], ranked_wins(found).nano[row], strict=True):
            assert (place < 0) == (nano == 0)
            if place >= 0:
                assert found.contributions[row, place] == nano
                assert 10 * nano >= 7 * found.weights[row, place]
