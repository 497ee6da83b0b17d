"""How scores and bands moved between two moments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keepwell.store.models import ScoreRecord
from keepwell.store.read.health_model import ModelFace
from keepwell.store.read.score import ScorePoint


@dataclass(frozen=True, slots=True)
class Move:
    """One account that had a score at both moments."""

    account_id: int
    before: ScorePoint
    after: ScorePoint

    @property
    def change_nano(self) -> int | None:
        """None where one of the scores is unknown."""
        if self.before.nano_points is None or self.after.nano_points is None:
            return None
        return self.after.nano_points - self.before.nano_points

    @property
    def changed_band(self) -> bool:
        return bool(self.before.band) and bool(self.after.band) and self.before.band != self.after.band


def moves_between(before: Mapping[int, ScorePoint], after: Mapping[int, ScorePoint]) -> dict[int, Move]:
    """Every account with a score at both moments, whether it moved or not."""
    return {account: Move(account, before[account], point) for account, point in after.items() if account in before}


def fell(move: Move, model: ModelFace) -> bool:
    return move.changed_band and model.rank(move.after.band) > model.rank(move.before.band)


def rose(move: Move, model: ModelFace) -> bool:
    return move.changed_band and model.rank(move.after.band) < model.rank(move.before.band)


def access_largest_parts(moves: Sequence[Move]) -> dict[int, tuple[str, int]]:
    """By account, the measure that moved most in the direction of the whole score, with its change in 1e-9 points.

    The moves come from guarded scores, so their accounts may be seen.
    """
    if not moves:
        return {}
    found: dict[int, tuple[str, int]] = {}
    points = _points(moves)
    for move in moves:
        old = points.get((move.account_id, move.before.as_of), {})
        new = points.get((move.account_id, move.after.as_of), {})
        sign = 1 if (move.change_nano or 0) > 0 else -1
        parts = {metric: new.get(metric, 0) - old.get(metric, 0) for metric in {**old, **new}}
        if parts:
            metric = max(sorted(parts), key=lambda name: sign * parts[name])
            found[move.account_id] = (metric, parts[metric])
    return found


def _points(moves: Sequence[Move]) -> Mapping[tuple[int, datetime], Mapping[str, int]]:
    rows = ScoreRecord.objects.filter(
        account_id__in=[move.account_id for move in moves],
        version_id__in={point.version_id for move in moves for point in (move.before, move.after)},
        as_of__in={point.as_of for move in moves for point in (move.before, move.after)},
    )
    return {
        (account, as_of): {line["metric"]: line["points_nano"] for line in measures}
        for account, as_of, measures in rows.values_list("account_id", "as_of", "measures")
    }
