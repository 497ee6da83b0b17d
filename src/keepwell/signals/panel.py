"""What rules may ask about accounts at one moment, in columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from keepwell.signals.truth import Truth

Key = TypeVar("Key")
Entry = TypeVar("Entry", bound=np.generic)
Known = str | float | bool | Decimal | None
# The moment of something that time alone never brings about, in microseconds since 1970.
NEVER: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Panel:
    """A row per account; `accounts` ascends.

    `bands` are the ids of the health model's bands, lowest first; `band` and `band_before` hold places in them, -1
    where none is known, and `raw_band` that of the band the score itself lies in, before hysteresis (None: the same as
    `band`). `nano_points` means nothing where `has_score` is false. `trend` is "" where it is not known.
    `metrics` are NaN where missing. `peaks` and `lows` are the highest and lowest score of the last days, by the number
    of days, in 1e-9 points, NaN where no score is comparable. `heard` says for each absence of how many days ago the
    source of the account's newest such event last told anything, NaN where that was not asked. `news` says for each
    event condition whether the newest such event came in live, and after the last look at the account.
    `daily` are the averages of the last days in points, a column per day, oldest first; empty where not asked.
    """

    as_of: datetime
    accounts: NDArray[np.int64]
    bands: tuple[str, ...]
    has_score: NDArray[np.bool_]
    nano_points: NDArray[np.int64]
    band: NDArray[np.int64]
    band_before: NDArray[np.int64]
    trend: NDArray[np.object_]
    metrics: Mapping[str, NDArray[np.float64]]
    traits: Sequence[Mapping[str, Known]] = ()
    peaks: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    lows: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    heard: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    segments: Mapping[str, Truth] = field(default_factory=dict)
    raw_band: NDArray[np.int64] | None = None
    daily: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    news: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.accounts)

    def metric(self, name: str) -> NDArray[np.float64]:
        """The values of a metric; all missing where nobody asked for it."""
        found = self.metrics.get(name)
        return np.full(len(self), np.nan) if found is None else found

    def trait(self, name: str) -> list[Known]:
        return [traits.get(name) for traits in self.traits] if self.traits else [None] * len(self)

    def places(self, bands: Sequence[str]) -> list[int]:
        """Places of bands by their ids; ids that the model does not have are left out."""
        return [self.bands.index(band) for band in bands if band in self.bands]

    def part(self, rows: Sequence[int]) -> "Panel":
        """These rows alone, which ascend."""
        return replace(
            self,
            accounts=self.accounts[rows],
            has_score=self.has_score[rows],
            nano_points=self.nano_points[rows],
            band=self.band[rows],
            band_before=self.band_before[rows],
            trend=self.trend[rows],
            metrics=_parts(self.metrics, rows),
            traits=[self.traits[row] for row in rows] if self.traits else (),
            peaks=_parts(self.peaks, rows),
            lows=_parts(self.lows, rows),
            heard=_parts(self.heard, rows),
            segments=_parts(self.segments, rows),
            raw_band=None if self.raw_band is None else self.raw_band[rows],
            daily=_parts(self.daily, rows),
            news=_parts(self.news, rows),
        )


def _parts(columns: Mapping[Key, NDArray[Entry]], rows: Sequence[int]) -> dict[Key, NDArray[Entry]]:
    return {name: column[rows] for name, column in columns.items()}
