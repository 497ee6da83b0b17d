"""The scores that trends compare with: those of as many days ago, to the hour, worked out once an hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from keepwell.health.health_model import HealthModel
from keepwell.health.score import Scores
from keepwell.jobs.imported import LogMark


@dataclass(frozen=True, slots=True)
class Earlier:
    """A row per account that had events then; `nano_points` means nothing where `is_known` is false."""

    accounts: NDArray[np.int64]
    nano_points: NDArray[np.int64]
    is_known: NDArray[np.bool_]

    @classmethod
    def of(cls, scores: Scores) -> "Earlier":
        return cls(scores.accounts, scores.nano_points, scores.is_known)


@dataclass(frozen=True, slots=True)
class Then:
    """Which scores: of a version, as of a moment, by what the log held of the past when they were worked out."""

    version: int
    as_of: datetime
    mark: LogMark


class EarlierScores:
    """Remembers scores of the past for one process. What comes in live cannot change them; imports and mappings can.

    With `ahead`, whoever has to ask for some accounts asks for so many more, in the order of their ids: most of a
    question's time does not depend on how many it is about, and later parts have nothing to ask.
    """

    def __init__(self) -> None:
        self.ahead = 0
        self._known: dict[int, tuple[Then, dict[int, tuple[int, bool] | None]]] = {}
        self._reached: dict[Then, int] = {}

    def missing(self, then: Then, accounts: Sequence[int]) -> list[int]:
        known = self._of(then)
        return [account for account in accounts if account not in known]

    def reached(self, then: Then) -> int:
        """The account up to which all that are known of were asked about ahead."""
        return self._reached.get(then, 0)

    def reach(self, then: Then, account: int) -> None:
        self._of(then)
        self._reached[then] = account

    def learn(self, then: Then, asked: Sequence[int], scores: Scores) -> None:
        """Those asked for that have no row had no events then."""
        told = zip(scores.nano_points.tolist(), scores.is_known.tolist(), strict=True)
        self._of(then).update(dict.fromkeys(asked))
        self._of(then).update(zip(scores.accounts.tolist(), told, strict=True))

    def earlier(self, then: Then, accounts: Sequence[int]) -> Earlier:
        """Of these accounts, none of which is missing."""
        known = self._of(then)
        found = [(account, told) for account in accounts if (told := known[account]) is not None]
        return Earlier(
            np.array([account for account, _ in found], dtype=np.int64),
            np.array([nano for _, (nano, _) in found], dtype=np.int64),
            np.array([is_known for _, (_, is_known) in found], dtype=np.bool_),
        )

    def _of(self, then: Then) -> dict[int, tuple[int, bool] | None]:
        """Of each version only the newest moment is kept."""
        kept = self._known.get(then.version)
        if kept is None or kept[0] != then:
            if kept is not None:
                self._reached.pop(kept[0], None)
            kept = self._known[then.version] = (then, {})
        return kept[1]


def compared_at(moment: datetime, model: HealthModel) -> datetime:
    """What the trend as of a moment compares with: so many days before the hour began."""
    return moment.replace(minute=0, second=0, microsecond=0) - timedelta(days=model.trend.days)
