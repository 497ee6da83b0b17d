"""Why a score is what it is: the measures that lost and won most."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keepwell.health.score import Scores
from keepwell.health.weight import NANO

REASONS_SHOWN: Final = 5
# Less than one point lost or won explains nothing.
LEAST_NANO: Final = NANO
STRONG_TENTHS: Final = 7
# 100 points are 37 bits of 1e-9 points.
_PLACE_BITS: Final = 16
_PLACES: Final = (1 << _PLACE_BITS) - 1


@dataclass(frozen=True, slots=True)
class Reason:
    """A measure and the 1e-9 points it lost against, or won of, its weight."""

    metric: str
    nano: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Up to REASONS_SHOWN columns per account, the largest first: the place of a measure and its 1e-9 points.

    Places beyond what there is to tell are -1.
    """

    measures: tuple[str, ...]
    places: NDArray[np.int64]
    nano: NDArray[np.int64]

    def told(self, rows: Sequence[int] | None = None) -> Iterator[tuple[tuple[str, int], ...]]:
        """Of each of these rows (None: all) its metrics with their 1e-9 points.

        Plain pairs, because a run over all accounts tells a million of them.
        """
        places, nano = (self.places, self.nano) if rows is None else (self.places[rows], self.nano[rows])
        is_some = places >= 0
        metrics = np.array(self.measures, dtype=object)[places[is_some]]
        pairs = zip(metrics.tolist(), nano[is_some].tolist(), strict=True)
        return (tuple(islice(pairs, count)) for count in is_some.sum(axis=1).tolist())

    def reasons(self, row: int) -> tuple[Reason, ...]:
        return tuple(Reason(metric, nano) for metric, nano in next(self.told([row])))


def ranked_losses(scores: Scores) -> Ranking:
    """Of every account, the measures with data that cost most points."""
    return _ranked(scores, scores.weights - scores.contributions)


def ranked_wins(scores: Scores) -> Ranking:
    """Of every account, the measures that won most points among those that reached most of their weight."""
    is_strong = scores.contributions * 10 >= scores.weights * STRONG_TENTHS
    return _ranked(scores, np.where(is_strong, scores.contributions, 0))


def key_risks(scores: Scores, row: int) -> tuple[Reason, ...]:
    """`ranked_losses` of one account; for many accounts rank them all at once."""
    return ranked_losses(scores.only(row)).reasons(0)


def key_strengths(scores: Scores, row: int) -> tuple[Reason, ...]:
    """`ranked_wins` of one account; for many accounts rank them all at once."""
    return ranked_wins(scores.only(row)).reasons(0)


def _ranked(scores: Scores, amounts: NDArray[np.int64]) -> Ranking:
    # Amount and place as one number, so that one sort ranks both; equal amounts are told in the order of their names.
    order = np.array(sorted(range(len(scores.measures)), key=lambda place: scores.measures[place]), dtype=np.int64)
    turn = np.empty_like(order)
    turn[order] = len(order) - 1 - np.arange(len(order))
    is_told = (amounts >= LEAST_NANO) & ~np.isnan(scores.values)
    keys = np.where(is_told, (amounts << _PLACE_BITS) | turn, -1)
    largest = np.sort(np.ascontiguousarray(keys), axis=1)[:, ::-1][:, :REASONS_SHOWN]
    places = order[np.maximum(len(order) - 1 - (largest & _PLACES), 0)]
    is_some = largest >= 0
    return Ranking(scores.measures, np.where(is_some, places, -1), np.where(is_some, largest >> _PLACE_BITS, 0))
