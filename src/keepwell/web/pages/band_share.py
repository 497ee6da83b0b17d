"""How accounts spread over the bands, drawn as one stacked bar."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from keepwell.store.read.account import UNKNOWN
from keepwell.store.read.health_model import ModelFace
from keepwell.store.read.move import Move
from keepwell.store.read.score import ScorePoint

BAR_WIDTH = 1000
GAP = 4


@dataclass(frozen=True, slots=True)
class BandShare:
    """One band: its count, its share of all accounts, and how many more it has than before. `x` and `width` of 1000."""

    id: str
    label: str
    tier: str
    reach: str
    count: int
    share: float
    change_day: int
    change_week: int
    x: float
    width: float
    href: str


def band_shares(
    model: ModelFace, now: Mapping[int, ScorePoint], day: Mapping[int, Move], week: Mapping[int, Move]
) -> Sequence[BandShare]:
    """Best band first; unknown comes last, and only where there is one."""
    counts = Counter(point.band or UNKNOWN for point in now.values())
    faces: list[tuple[str, str, str, str]] = [
        (band.id, band.label, band.tier, f"{band.lo:g}–{band.hi:g}") for band in model.bands
    ]
    if counts[UNKNOWN]:
        faces.append((UNKNOWN, "Unknown", UNKNOWN, "too little data"))
    by_day, by_week = _changes(day), _changes(week)
    drawn = [face for face in faces if counts[face[0]]]
    usable = BAR_WIDTH - GAP * max(len(drawn) - 1, 0)
    found, x = [], 0.0
    for band_id, label, tier, reach in faces:
        share = counts[band_id] / len(now) if now else 0.0
        width = share * usable
        found.append(
            BandShare(
                id=band_id,
                label=label,
                tier=tier,
                reach=reach,
                count=counts[band_id],
                share=share,
                change_day=by_day[band_id],
                change_week=by_week[band_id],
                x=round(x, 2),
                width=round(width, 2),
                href=f"{reverse('accounts')}?{urlencode({'band': band_id})}",
            )
        )
        x += width + GAP if width else 0
    return found


def _changes(moves: Mapping[int, Move]) -> Counter[str]:
    """How many more accounts a band has, over the accounts that were scored at both moments."""
    found: Counter[str] = Counter()
    for move in moves.values():
        found[move.after.band or UNKNOWN] += 1
        found[move.before.band or UNKNOWN] -= 1
    return found
