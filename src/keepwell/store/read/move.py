"""How scores and bands moved between two moments."""

from collections.abc import Mapping
from dataclasses import dataclass

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
