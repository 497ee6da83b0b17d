"""Scores of many accounts at once, exact to 1e-9 points.

Contributions are whole numbers of 1e-9 points and the score is their sum, so every level of the tree adds
up to the digit and full marks are exactly 100. All steps are elementwise, so an account scores the same
alone, among a hundred and among all.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from keepwell.facts.values import Values
from keepwell.health.health_model import HealthModel
from keepwell.health.weight import NANO, WeightTree, neutral_points

G = TypeVar("G", bound=np.generic)
# So many flags make a positive number of 64 bits.
_BITS: Final = 63


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores under one health model, a row per account of the values.

    `measures` names the metric of each column in the order of `HealthModel.measures()`. `values` are the
    metric values (NaN is missing), `weights` and `contributions` whole 1e-9 points. `nano_points` means
    nothing where `is_scored` is false: no measure had a value. `coverage` is the share of the
    model's weight that had data; `is_known` says that it reaches the model's minimum. No array can be written to.
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

    def only(self, row: int) -> "Scores":
        """The scores of one row."""
        one = slice(row, row + 1)
        return Scores(
            self.as_of,
            self.accounts[one],
            self.measures,
            self.values[one],
            self.weights[one],
            self.contributions[one],
            self.nano_points[one],
            self.coverage[one],
            self.is_scored[one],
            self.is_known[one],
        )

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
    # One row per measure while computing: every step runs along the accounts.
    told = np.ascontiguousarray(values.matrix.T[columns])
    has_data = ~np.isnan(told)
    fractions = np.empty_like(told)
    counts = has_data.copy()
    for place, measure in enumerate(tree.measures):
        fractions[place] = measure.scale.fractions(told[place])
        neutral = neutral_points(model, measure)
        fractions[place][~has_data[place]] = 0.0 if neutral is None else neutral / 100.0
        counts[place] |= neutral is not None
    is_scored: NDArray[np.bool_] = np.asarray(has_data.any(axis=0), dtype=np.bool_)
    # A policy for missing values is not data: an account of which nothing is known has no score.
    weights = _weights(tree, counts & is_scored)
    # A weight is below 2**53 and a fraction at most 1, so the product is rounded once and never past the weight.
    contributions = np.rint(weights * fractions).astype(np.int64)
    coverage = np.array(tree.nominal, dtype=np.int64) @ has_data / (100.0 * NANO)
    return Scores(
        as_of=values.as_of,
        accounts=_frozen(values.accounts.copy()),
        measures=tuple(measure.metric for measure in tree.measures),
        values=_frozen(told.T),
        weights=_frozen(weights.T),
        contributions=_frozen(contributions.T),
        nano_points=_frozen(contributions.sum(axis=0)),
        coverage=_frozen(coverage),
        is_scored=_frozen(is_scored),
        is_known=_frozen(is_scored & (coverage >= float(model.missing.min_coverage))),
    )


def _weights(tree: WeightTree, counts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Effective weights, a row per measure; each pattern of what is missing is worked out once."""
    first, pattern = _patterns(counts)
    return np.take(tree.effective_all(counts[:, first]), pattern, axis=1)


def _patterns(counts: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """A column for each pattern, and the pattern of each column."""
    first, pattern = np.zeros(0, dtype=np.intp), np.zeros(counts.shape[1], dtype=np.intp)
    for start in range(0, len(counts), _BITS):
        bits = counts[start : start + _BITS]
        key = (np.int64(1) << np.arange(len(bits), dtype=np.int64)) @ bits
        if start:
            # Patterns are fewer than 2**31, so that the numbers of two fit one of 64 bits.
            key = (pattern << np.int64(32)) | np.unique(key, return_inverse=True)[1]
        _, first, pattern = np.unique(key, return_index=True, return_inverse=True)
    return first, pattern


def _frozen(array: NDArray[G]) -> NDArray[G]:
    array.setflags(write=False)
    return array
