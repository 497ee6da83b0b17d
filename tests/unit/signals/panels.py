"""Panels for tests: a few accounts with what is known of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from keepwell.health.score import nano
from keepwell.signals.panel import Known, Panel

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
BANDS = ("critical", "high_risk", "at_risk", "healthy", "thriving")


@dataclass(frozen=True)
class One:
    """What is known of one account; None, or no entry, where nothing is."""

    score: Decimal | None = None
    band: str = ""
    trend: str = ""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    traits: Mapping[str, Known] = field(default_factory=dict)
    before: str = ""
    raw: str | None = None


def panel(*ones: One, as_of: datetime = AS_OF) -> Panel:
    """A row for each, numbered from 1."""
    place = {"": -1, **{band: number for number, band in enumerate(BANDS)}}
    names = sorted({name for one in ones for name in one.metrics})
    return Panel(
        as_of=as_of,
        accounts=np.arange(1, len(ones) + 1, dtype=np.int64),
        bands=BANDS,
        has_score=np.array([one.score is not None for one in ones]),
        nano_points=np.array([nano(one.score or Decimal(0)) for one in ones], dtype=np.int64),
        band=np.array([place[one.band] for one in ones]),
        band_before=np.array([place[one.before] for one in ones]),
        raw_band=np.array([place[one.band if one.raw is None else one.raw] for one in ones]),
        trend=np.array([one.trend for one in ones], dtype=np.object_),
        metrics={name: _column([one.metrics.get(name) for one in ones]) for name in names},
        traits=[one.traits for one in ones],
    )


def _column(values: Sequence[float | None]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
