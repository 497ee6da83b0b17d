"""Scores of many accounts at once, exact to 1e-9 points.

Contributions are whole numbers of 1e-9 points and the score is their sum, so every level of the tree adds
up to the digit and full marks are exactly 100. All steps are elementwise, so an account scores the same
alone, among a hundred and among all.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from keepwell.facts.values import Values
from keepwell.health.health_model import HealthModel
from keepwell.health.weight import NANO, WeightTree, neutral_points


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores under one health model, a row per account of the values.

    `measures` names the metric of each column in the order of `HealthModel.measures()`. `values` are the
    metric values (NaN is missing), `weights` and `contributions` whole 1e-9 points. `nano_points` means
    nothing where `is_scored` is false: no measure had anything to say. `coverage` is the share of the
    model's weight that had data; `is_known` says that it reaches the model's minimum.
    """

    as_of: datetime
    accounts: NDArray[np.int64]
    measures: tuple[str, ...]
    values: NDArray[np.float64]
    weights: NDArray[np.int64]
    contributions: NDArray[np.int64]
    nano_points: NDArray[np.int64]
    coverage: NDArray[np.float64]
    is_scored: NDArray[np.bool_]
    is_known: NDArray[np.bool_]

    def row(self, account: int) -> int | None:
        """The row of an account, None when it has no event before `as_of`."""
        place = int(np.searchsorted(self.accounts, account))
        found = place < len(self.accounts) and self.accounts[place] == account
        return place if found else None

    def points(self, row: int) -> Decimal | None:
        """The exact score of a row, None when nothing is known of the account."""
        return points(int(self.nano_points[row])) if self.is_scored[row] else None


def points(nano: int) -> Decimal:
    """1e-9 points as points."""
    return Decimal(nano).scaleb(-9)


def nano(score: Decimal) -> int:
    """Points as 1e-9 points; a score has no more than nine decimals."""
    return int(score.scaleb(9))


def score(values: Values, model: HealthModel) -> Scores:
    """Scores of all accounts of `values`, which must hold every metric of the model."""
    tree = WeightTree(model)
    columns = [values.metrics.index(measure.metric) for measure in tree.measures]
    told = values.matrix[:, columns]
    has_data = ~np.isnan(told)
    fractions = np.empty_like(told)
    for place, measure in enumerate(tree.measures):
        fractions[:, place] = measure.scale.fractions(told[:, place])
        neutral = neutral_points(model, measure)
        if neutral is not None:
            fractions[:, place] = np.where(has_data[:, place], fractions[:, place], neutral / 100.0)
    counts = ~np.isnan(fractions)
    weights = _weights(tree, counts)
    # A weight is below 2**53 and a fraction at most 1, so the product is rounded once and never past the weight.
    contributions = np.rint(weights * np.where(counts, fractions, 0.0)).astype(np.int64)
    # A policy for missing values is not data: an account of which nothing is known has no score.
    is_scored: NDArray[np.bool_] = np.asarray(has_data.any(axis=1), dtype=np.bool_)
    coverage = has_data @ np.array(tree.nominal, dtype=np.int64) / (100.0 * NANO)
    return Scores(
        as_of=values.as_of,
        accounts=values.accounts,
        measures=tuple(measure.metric for measure in tree.measures),
        values=told,
        weights=weights,
        contributions=contributions,
        nano_points=contributions.sum(axis=1),
        coverage=coverage,
        is_scored=is_scored,
        is_known=is_scored & (coverage >= float(model.missing.min_coverage)),
    )


def _weights(tree: WeightTree, counts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Effective weights row by row; few patterns of what is missing occur, and each is worked out once."""
    packed = np.ascontiguousarray(np.packbits(counts, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, pattern = np.unique(keys, return_index=True, return_inverse=True)
    effective = [tree.effective(counts[row].tolist()) for row in first]
    table = np.array(effective, dtype=np.int64).reshape(len(effective), counts.shape[1])
    return table[pattern]
