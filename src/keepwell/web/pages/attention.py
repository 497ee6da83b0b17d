"""Accounts to look at first: a grave alert, a large fall in 7 days, or a band of the emergency tier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.health.weight import NANO
from keepwell.jobs.read_move import largest_parts
from keepwell.store.models import Member
from keepwell.store.read.account import AccountRow, access_accounts_by_id
from keepwell.store.read.alert import AlertFilter, access_alerts, access_worst_severities
from keepwell.store.read.health_model import ModelFace
from keepwell.store.read.move import Move
from keepwell.store.read.score import ScorePoint
from keepwell.web.pages.signal_face import AlertLine, alert_lines

MOST = 5
LARGE_FALL = 10 * NANO
EMERGENCY = "emergency"
# The severities that call for somebody at once, the worst first.
GRAVE = ("critical", "high")


@dataclass(frozen=True, slots=True)
class AttentionRow:
    """`fall_nano` is the score lost in 7 days, positive; None where the account did not fall.

    `alert` is the worst open alert of the account, None without one.
    """

    row: AccountRow
    before_nano: int | None
    fall_nano: int | None
    reason: str
    reason_nano: int
    alert: AlertLine | None = None


def attention_ids(
    model: ModelFace, week: Mapping[int, Move], now: Mapping[int, ScorePoint], worst: Mapping[int, str]
) -> list[int]:
    """Grave alerts first, by severity; then the largest fall, then the lowest score. `worst` are open alerts."""
    urgent = {band.id for band in model.bands if band.tier == EMERGENCY}
    falls = {account: -(move.change_nano or 0) for account, move in week.items()}
    grave = {account: GRAVE.index(severity) for account, severity in worst.items() if severity in GRAVE}
    wanted = [
        account
        for account, point in now.items()
        if account in grave
        or falls.get(account, 0) >= LARGE_FALL
        or (point.band in urgent and point.nano_points is not None)
    ]
    return sorted(
        wanted,
        key=lambda account: (
            grave.get(account, len(GRAVE)),
            -falls.get(account, 0),
            now[account].nano_points or 0,
            account,
        ),
    )


def open_severities(member: Member, model: ModelFace) -> Mapping[int, str]:
    """By account the worst severity of its open alerts; rules are about a package's first model only."""
    if model.signals is None:
        return {}
    return access_worst_severities(member, model.model.partition("/")[0], now=SystemClock().now())


def attention_rows(
    member: Member, model: ModelFace, week: Mapping[int, Move], now: Mapping[int, ScorePoint]
) -> tuple[Sequence[AttentionRow], int]:
    """The first rows with their reason, and how many there are in all."""
    worst = open_severities(member, model)
    ids = attention_ids(model, week, now, worst)
    shown = ids[:MOST]
    parts = largest_parts(Home(settings.KEEPWELL.home), [week[account] for account in shown if account in week])
    alerts = _worst_alerts(member, [account for account in shown if account in worst])
    return [
        replace(_row(row, model, week.get(row.id), parts.get(row.id)), alert=alerts.get(row.id))
        for row in access_accounts_by_id(member, model.model, shown)
    ], len(ids)


def _worst_alerts(member: Member, accounts: Sequence[int]) -> dict[int, AlertLine]:
    now = SystemClock().now()
    found = (access_alerts(member, AlertFilter(account=account), size=1, now=now) for account in accounts)
    lines = alert_lines(member, [alert for alerts in found for alert in alerts], now=now)
    return {line.alert.account_id: line for line in lines if line.alert.account_id is not None}


def _row(row: AccountRow, model: ModelFace, move: Move | None, part: tuple[str, int] | None) -> AttentionRow:
    change = move.change_nano if move else None
    if move is not None and change is not None and change < 0 and part is not None:
        return AttentionRow(row, move.before.nano_points, -change, model.metric_title(part[0]), part[1])
    metric, lost = row.reasons[0] if row.reasons else ("", 0)
    return AttentionRow(row, None, None, model.metric_title(metric) if metric else "", -lost)
