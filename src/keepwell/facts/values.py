"""Metric values of accounts at one moment."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Values:
    """One row per account, one column per metric.

    `accounts` ascends without repetition. A missing value is NaN, never 0; an account with no event
    at all before `as_of` has no row.
    """

    as_of: datetime
    accounts: NDArray[np.int64]
    metrics: tuple[str, ...]
    matrix: NDArray[np.float64]

    def of(self, account: int) -> dict[str, float | None]:
        """Values of one account by metric; empty when the account has no row."""
        row = int(np.searchsorted(self.accounts, account))
        if row == len(self.accounts) or self.accounts[row] != account:
            return {}
        found = self.matrix[row].tolist()
        return {metric: None if value != value else value for metric, value in zip(self.metrics, found, strict=True)}
