"""Overview: what changed, and what comes first?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.health.weight import NANO
from keepwell.jobs.read_move import largest_parts
from keepwell.store.models import Member
from keepwell.store.read.account import UNKNOWN, access_accounts_by_id
from keepwell.store.read.health_model import ModelFace
from keepwell.store.read.move import Move, fell, moves_between, rose
from keepwell.store.read.score import ScorePoint, access_averages, access_newest_as_of, access_scores_at
from keepwell.web.pages.attention import MOST, AttentionRow, attention_rows
from keepwell.web.pages.band_share import BandShare, band_shares
from keepwell.web.pages.frame import NO_SCORES, Choice, EmptyState, member_of, model_choices, models_for
from keepwell.web.sparkline import line_path

PERIODS = {"1": "yesterday", "7": "7 days ago", "30": "30 days ago"}
MOVES_SHOWN = 6
STALE_AFTER = timedelta(hours=36)
ONE_POINT = NANO


@dataclass(frozen=True, slots=True)
class MoveRow:
    """One account that changed its band, with the measure that moved most."""

    account_id: int
    title: str
    before: str
    after: str
    change_nano: int | None
    reason: str
    reason_nano: int


@dataclass(frozen=True, slots=True)
class MatrixCell:
    count: int
    href: str
    kind: str


@dataclass(frozen=True, slots=True)
class Average:
    """The average score, and how many accounts rose or fell by a point or more in 7 days."""

    nano: int
    change_nano: int | None
    path: str
    since: datetime | None
    rose: int
    fell: int
    compared: int


@dataclass(frozen=True, slots=True)
class Context:
    models: Sequence[Choice]
    model: ModelFace | None
    empty: EmptyState | None = None
    as_of: datetime | None = None
    is_stale: bool = False
    count: int = 0
    shares: Sequence[BandShare] = ()
    period: str = "1"
    periods: Sequence[Choice] = ()
    before: datetime | None = None
    fell_count: int = 0
    rose_count: int = 0
    attention_count: int = 0
    matrix: Sequence[tuple[str, Sequence[MatrixCell]]] = ()
    moves: Sequence[MoveRow] = ()
    average: Average | None = None
    attention: Sequence[AttentionRow] = ()
    accounts_href: str = ""
    fell_href: str = ""
    rose_href: str = ""
    attention_href: str = ""


@require_safe
def overview_page(request: HttpRequest) -> HttpResponse:
    member = member_of(request)
    models, model = models_for(request)
    choices = model_choices(models, model)
    as_of = access_newest_as_of(member, model.model) if model else None
    if model is None or as_of is None:
        return render(request, "overview.html", {"page": Context(choices, model, empty=NO_SCORES), "here": "overview"})
    period = request.GET.get("days", "1")
    page = _filled(member, model, as_of, choices, period if period in PERIODS else "1")
    return render(request, "overview.html", {"page": page, "here": "overview"})


def _filled(member: Member, model: ModelFace, as_of: datetime, choices: Sequence[Choice], period: str) -> Context:
    now = access_scores_at(member, model.model, as_of)
    before = as_of - timedelta(days=int(period))
    since = {
        days: moves_between(access_scores_at(member, model.model, as_of - timedelta(days=int(days))), now)
        for days in {"1", "7", period}
    }
    moves, day, week = since[period], since["1"], since["7"]
    down = [move for move in moves.values() if fell(move, model)]
    up = [move for move in moves.values() if rose(move, model)]
    attention, attention_count = attention_rows(member, model, week, now)
    return Context(
        models=choices,
        model=model,
        as_of=as_of,
        is_stale=SystemClock().now() - as_of > STALE_AFTER,
        count=len(now),
        shares=band_shares(model, now, day, week),
        period=period,
        periods=[Choice(days, title, days == period) for days, title in PERIODS.items()],
        before=before,
        fell_count=len(down),
        rose_count=len(up),
        attention_count=attention_count,
        matrix=_matrix(model, moves, period),
        moves=_move_rows(member, model, [*down, *up]),
        average=_average(member, model, as_of, now, week),
        attention=attention[:MOST],
        accounts_href=reverse("accounts"),
        fell_href=_accounts(moved="fell", days=period),
        rose_href=_accounts(moved="rose", days=period),
        attention_href=_accounts(attention="1"),
    )


def _accounts(**query: str) -> str:
    return f"{reverse('accounts')}?{urlencode(query)}"


def _matrix(model: ModelFace, moves: Mapping[int, Move], period: str) -> Sequence[tuple[str, Sequence[MatrixCell]]]:
    """Rows are bands before, columns bands now, best first."""
    counts = Counter((move.before.band or UNKNOWN, move.after.band or UNKNOWN) for move in moves.values())
    names = [band.id for band in model.bands]
    if any(UNKNOWN in pair for pair in counts):
        names.append(UNKNOWN)
    return [
        (
            old,
            [
                MatrixCell(
                    counts[old, new],
                    _accounts(**{"from": old, "to": new, "days": period}),
                    "same" if old == new else "unknown" if UNKNOWN in {old, new} else "fell" if place > row else "rose",
                )
                for place, new in enumerate(names)
            ],
        )
        for row, old in enumerate(names)
    ]


def _move_rows(member: Member, model: ModelFace, moves: Sequence[Move]) -> Sequence[MoveRow]:
    """Falls before rises, the largest first, and at least some of each where there are."""
    ordered = sorted(moves, key=lambda move: (move.change_nano or 0, move.account_id))
    falls = [move for move in ordered if fell(move, model)]
    rises = [move for move in reversed(ordered) if rose(move, model)]
    half = MOVES_SHOWN // 2
    kept = max(half, MOVES_SHOWN - len(rises))
    shown = [*falls[:kept], *rises[: MOVES_SHOWN - min(len(falls), kept)]]
    parts = largest_parts(Home(settings.KEEPWELL.home), shown)
    rows = {row.id: row for row in access_accounts_by_id(member, model.model, [move.account_id for move in shown])}
    return [
        MoveRow(
            account_id=move.account_id,
            title=rows[move.account_id].title,
            before=move.before.band,
            after=move.after.band,
            change_nano=move.change_nano,
            reason=model.metric_title(parts[move.account_id][0]) if move.account_id in parts else "",
            reason_nano=parts[move.account_id][1] if move.account_id in parts else 0,
        )
        for move in shown
        if move.account_id in rows
    ]


def _average(
    member: Member, model: ModelFace, as_of: datetime, now: Mapping[int, ScorePoint], week: Mapping[int, Move]
) -> Average | None:
    known = [point.nano_points for point in now.values() if point.nano_points is not None]
    if not known:
        return None
    old = [move.before.nano_points for move in week.values() if move.before.nano_points is not None]
    changes = [move.change_nano for move in week.values() if move.change_nano is not None]
    line = access_averages(member, model.model, as_of - timedelta(days=90), as_of, most=30)
    nano = sum(known) // len(known)
    return Average(
        nano=nano,
        change_nano=nano - sum(old) // len(old) if old else None,
        path=line_path([value for _, value in line], 280, 56),
        since=line[0][0] if line else None,
        rose=sum(change >= ONE_POINT for change in changes),
        fell=sum(change <= -ONE_POINT for change in changes),
        compared=len(changes),
    )
