"""Accounts to look at first: a large fall in 7 days, or a band of the emergency tier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from keepwell.base.home import Home
from keepwell.health.weight import NANO
from keepwell.jobs.read_move import largest_parts
from keepwell.store.models import Member
from keepwell.store.read.account import AccountRow, access_accounts_by_id
from keepwell.store.read.health_model import ModelFace
from keepwell.store.read.move import Move
from keepwell.store.read.score import ScorePoint

MOST = 5
LARGE_FALL = 10 * NANO
EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class AttentionRow:
    """`fall_nano` is the score lost in 7 days, positive; None where the account did not fall."""

    row: AccountRow
    before_nano: int | None
    fall_nano: int | None
    reason: str
    reason_nano: int


def attention_ids(model: ModelFace, week: Mapping[int, Move], now: Mapping[int, ScorePoint]) -> list[int]:
    """The largest fall first, then by the lowest score."""
    urgent = {band.id for band in model.bands if band.tier == EMERGENCY}
    falls = {account: -(move.change_nano or 0) for account, move in week.items()}
    wanted = [
        account
        for account, point in now.items()
        if falls.get(account, 0) >= LARGE_FALL or (point.band in urgent and point.nano_points is not None)
    ]
    return sorted(wanted, key=lambda account: (-falls.get(account, 0), now[account].nano_points or 0, account))


def attention_rows(
    member: Member, model: ModelFace, week: Mapping[int, Move], now: Mapping[int, ScorePoint]
) -> tuple[Sequence[AttentionRow], int]:
    """The first rows with their reason, and how many there are in all."""
    ids = attention_ids(model, week, now)
    shown = ids[:MOST]
    parts = largest_parts(Home(settings.KEEPWELL.home), [week[account] for account in shown if account in week])
    return [
        _row(row, model, week.get(row.id), parts.get(row.id))
        for row in access_accounts_by_id(member, model.model, shown)
    ], len(ids)


def _row(row: AccountRow, model: ModelFace, move: Move | None, part: tuple[str, int] | None) -> AttentionRow:
    change = move.change_nano if move else None
    if move is not None and change is not None and change < 0 and part is not None:
        return AttentionRow(row, move.before.nano_points, -change, model.metric_title(part[0]), part[1])
    metric, lost = row.reasons[0] if row.reasons else ("", 0)
    return AttentionRow(row, None, None, model.metric_title(metric) if metric else "", -lost)
