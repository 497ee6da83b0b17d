"""Accounts: the list, with its whole state in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from keepwell.base.clock import SystemClock
from keepwell.store.models import Member
from keepwell.store.read.account import (
    SORTS,
    UNKNOWN,
    AccountFilter,
    AccountRow,
    access_account_count,
    access_account_ids,
    access_accounts,
    access_accounts_by_id,
    access_plans,
    access_segment_counts,
)
from keepwell.store.read.health_model import BandFace, ModelFace
from keepwell.store.read.move import Move, fell, moves_between, rose
from keepwell.store.read.score import access_history, access_newest_as_of, access_scores_at
from keepwell.web.pages.attention import attention_ids, open_severities
from keepwell.web.pages.frame import NO_SCORES, Choice, EmptyState, member_of, model_choices, models_for
from keepwell.web.sparkline import spark_path

PAGE_SIZE = 50
CHANGE = "change"
# What a first click on a column shows first.
FALLS_FIRST = {"mrr", "coverage"}
COLUMNS = (
    ("name", "Account", ""),
    ("score", "Health", ""),
    ("", "30 days", ""),
    (CHANGE, "7 days", "number"),
    ("", "Main reason", ""),
    ("mrr", "MRR", "number"),
    ("renewal", "Renewal", "number"),
    ("owner", "Owner", ""),
    ("coverage", "Coverage", "number"),
)
STALE_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Question:
    """What the address asks for; anything it cannot mean falls back to the plain list."""

    search: str
    bands: tuple[str, ...]
    plan: str
    segment: str
    moved: str
    move_from: str
    move_to: str
    days: int
    is_attention: bool
    sort: str
    is_descending: bool
    number: int

    def query(self, **changed: object) -> str:
        """The address's query of this list with something changed; what is at its default is left out."""
        state: dict[str, object] = {
            "q": self.search,
            "band": self.bands,
            "plan": self.plan,
            "segment": self.segment,
            "moved": self.moved,
            "from": self.move_from,
            "to": self.move_to,
            "days": self.days if self.moved or self.move_from or self.move_to else "",
            "attention": "1" if self.is_attention else "",
            "sort": self.sort_text if self.sort_text != "score" else "",
            "page": self.number if self.number > 1 else "",
        }
        state.update(changed)
        return urlencode({name: value for name, value in state.items() if value}, doseq=True)

    @property
    def sort_text(self) -> str:
        return f"-{self.sort}" if self.is_descending else self.sort

    @property
    def is_narrowed(self) -> bool:
        movement = self.moved or self.move_from or self.move_to or self.is_attention
        return bool(self.search or self.bands or self.plan or self.segment or movement)


@dataclass(frozen=True, slots=True)
class Heading:
    title: str
    kind: str
    href: str
    sorted_as: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table, ready to be drawn."""

    row: AccountRow
    band: BandFace | None
    spark: str
    spark_text: str
    change_nano: int | None
    reason: str
    reason_nano: int
    is_hollow: bool
    is_stale: bool
    has_old_score: bool
    renews_soon: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition that is on, with the address without it."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Context:
    models: Sequence[Choice]
    model: ModelFace | None
    empty: EmptyState | None = None
    as_of: datetime | None = None
    question: Question | None = None
    headings: Sequence[Heading] = ()
    lines: Sequence[Line] = ()
    total: int = 0
    first: int = 0
    last: int = 0
    before_href: str = ""
    after_href: str = ""
    bands: Sequence[Choice] = ()
    plans: Sequence[Choice] = ()
    segments: Sequence[Choice] = ()
    filters: Sequence[Filter] = ()


@require_safe
def accounts_page(request: HttpRequest) -> HttpResponse:
    member = member_of(request)
    models, model = models_for(request)
    choices = model_choices(models, model)
    as_of = access_newest_as_of(member, model.model) if model else None
    if model is None or as_of is None:
        return render(request, "accounts.html", {"page": Context(choices, model, empty=NO_SCORES), "here": "accounts"})
    page = _filled(member, model, as_of, read_question(request.GET, model), choices)
    return render(request, "accounts.html", {"page": page, "here": "accounts"})


def read_question(query: QueryDict, model: ModelFace) -> Question:
    known = {band.id for band in model.bands} | {UNKNOWN}
    sort = query.get("sort", "score")
    number = query.get("page", "1")
    days = query.get("days", "7")
    return Question(
        search=query.get("q", "").strip()[:200],
        bands=tuple(band for band in query.getlist("band") if band in known),
        plan=query.get("plan", ""),
        segment=query.get("segment", "") if query.get("segment") in model.segments else "",
        moved=query.get("moved", "") if query.get("moved") in {"fell", "rose"} else "",
        move_from=query.get("from", "") if query.get("from") in known else "",
        move_to=query.get("to", "") if query.get("to") in known else "",
        days=int(days) if days.isascii() and days.isdigit() and 1 <= int(days) <= 400 else 7,
        is_attention=query.get("attention") == "1",
        sort=sort.removeprefix("-") if sort.removeprefix("-") in {*SORTS, CHANGE} else "score",
        is_descending=sort.startswith("-"),
        number=int(number) if number.isascii() and number.isdigit() and 1 <= int(number) < 10**6 else 1,
    )


def _filled(
    member: Member, model: ModelFace, as_of: datetime, question: Question, choices: Sequence[Choice]
) -> Context:
    moved = _moved_ids(member, model, as_of, question)
    wanted = AccountFilter(question.search, question.bands, question.plan, question.segment, ids=moved)
    total = access_account_count(member, model.model, wanted)
    first = (question.number - 1) * PAGE_SIZE
    rows = _rows(member, model, as_of, question, wanted, first)
    last = first + len(rows)
    return Context(
        models=choices,
        model=model,
        as_of=as_of,
        question=question,
        empty=None if rows else _no_results(question),
        headings=[_heading(question, *column) for column in COLUMNS],
        lines=_lines(member, model, as_of, rows),
        total=total,
        first=first + 1 if rows else 0,
        last=last,
        before_href=f"?{question.query(page=max(question.number - 1, 1))}" if question.number > 1 else "",
        after_href=f"?{question.query(page=question.number + 1)}" if last < total else "",
        bands=[
            Choice(band, title, band in question.bands)
            for band, title in [*((band.id, band.label) for band in model.bands), (UNKNOWN, "Unknown")]
        ],
        plans=[Choice(plan, plan, plan == question.plan) for plan in access_plans(member)],
        segments=_segments(member, model, question),
        filters=_filters(question, model),
    )


def _segments(member: Member, model: ModelFace, question: Question) -> list[Choice]:
    counts = access_segment_counts(member, model.model) if model.segments else {}
    return [
        Choice(segment, f"{title} ({counts.get(segment, 0)})", segment == question.segment)
        for segment, title in model.segments.items()
    ]


def _moved_ids(member: Member, model: ModelFace, as_of: datetime, question: Question) -> frozenset[int] | None:
    """Accounts the conditions on movement leave, or None where there is no such condition."""
    if not (question.moved or question.move_from or question.move_to or question.is_attention):
        return None
    now = access_scores_at(member, model.model, as_of)
    days = 7 if question.is_attention else question.days
    moves = moves_between(access_scores_at(member, model.model, as_of - timedelta(days=days)), now)
    if question.is_attention:
        return frozenset(attention_ids(model, moves, now, open_severities(member, model)))
    return frozenset(account for account, move in moves.items() if _is_meant(move, model, question))


def _is_meant(move: Move, model: ModelFace, question: Question) -> bool:
    if question.moved == "fell" and not fell(move, model):
        return False
    if question.moved == "rose" and not rose(move, model):
        return False
    if question.move_from and (move.before.band or UNKNOWN) != question.move_from:
        return False
    return not question.move_to or (move.after.band or UNKNOWN) == question.move_to


def _rows(
    member: Member, model: ModelFace, as_of: datetime, question: Question, wanted: AccountFilter, first: int
) -> list[AccountRow]:
    if question.sort != CHANGE:
        return access_accounts(
            member,
            model.model,
            wanted,
            sort=question.sort,
            is_descending=question.is_descending,
            first=first,
            size=PAGE_SIZE,
        )
    now = access_scores_at(member, model.model, as_of)
    moves = moves_between(access_scores_at(member, model.model, as_of - timedelta(days=7)), now)
    ids = access_account_ids(member, model.model, wanted)
    sign = -1 if question.is_descending else 1
    changes = {account: moves[account].change_nano if account in moves else None for account in ids}
    ids.sort(key=lambda account: (changes[account] is None, sign * (changes[account] or 0), account))
    return access_accounts_by_id(member, model.model, ids[first : first + PAGE_SIZE])


def _lines(member: Member, model: ModelFace, as_of: datetime, rows: Sequence[AccountRow]) -> list[Line]:
    history = access_history(member, model.model, [row.id for row in rows], as_of - timedelta(days=31), as_of)
    week_ago = as_of - timedelta(days=7)
    now = SystemClock().now()
    lines = []
    for row in rows:
        points = history[row.id]
        before = next((point.nano_points for point in reversed(points) if point.as_of <= week_ago), None)
        known = [point.nano_points for point in points if point.nano_points is not None]
        metric, lost = row.reasons[0] if row.reasons else ("", 0)
        lines.append(
            Line(
                row=row,
                band=model.band(row.band),
                spark=spark_path(points, as_of),
                spark_text=f"from {known[0] // 10**9} to {known[-1] // 10**9} in 30 days" if known else "no scores",
                change_nano=None if before is None or row.nano_points is None else row.nano_points - before,
                reason=model.metric_title(metric) if metric else "",
                reason_nano=-lost,
                is_hollow=row.nano_points is None or (row.coverage or 0) < model.min_coverage,
                is_stale=row.last_event_at is not None and as_of - row.last_event_at > STALE_AFTER,
                has_old_score=row.has_old_score(now),
                renews_soon=row.renewal_on is not None and 0 <= (row.renewal_on - now.date()).days <= 60,
            )
        )
    return lines


def _heading(question: Question, sort: str, title: str, kind: str) -> Heading:
    if not sort:
        return Heading(title, kind, "", "")
    is_current = question.sort == sort
    descends = not question.is_descending if is_current else sort in FALLS_FIRST
    text = f"-{sort}" if descends else sort
    sorted_as = ("descending" if question.is_descending else "ascending") if is_current else ""
    return Heading(title, kind, f"?{question.query(sort=text if text != 'score' else '', page='')}", sorted_as)


def _filters(question: Question, model: ModelFace) -> list[Filter]:
    """The conditions that no field of the form shows."""
    names: Mapping[str, str] = {band.id: band.label for band in model.bands} | {UNKNOWN: "Unknown"}
    found = []
    if question.moved:
        text = f"{'Fell' if question.moved == 'fell' else 'Rose'} a band in {_days(question.days)}"
        found.append(Filter(text, f"?{question.query(moved='', page='', days='')}"))
    if question.move_from or question.move_to:
        ends = [f"from {names[question.move_from]}"] if question.move_from else []
        ends += [f"to {names[question.move_to]}"] if question.move_to else []
        text = f"Moved {' '.join(ends)} in {_days(question.days)}"
        found.append(Filter(text, f"?{question.query(**{'from': '', 'to': '', 'page': '', 'days': ''})}"))
    if question.is_attention:
        found.append(Filter("Needs attention", f"?{question.query(attention='', page='')}"))
    return found


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def _no_results(question: Question) -> EmptyState:
    if not question.is_narrowed:
        return EmptyState("no_results", "This page is past the end", "The list is shorter.", "First page", "?")
    conditions = [f"the search “{question.search}”"] if question.search else []
    conditions += ["the bands chosen"] if question.bands else []
    conditions += [f"the plan {question.plan}"] if question.plan else []
    conditions += ["the segment chosen"] if question.segment else []
    conditions += ["the movement asked for"] if question.moved or question.move_from or question.move_to else []
    if question.is_attention and not conditions:
        text = "No account has a grave alert, fell by 10 points or is critical."
        return EmptyState("all_clear", "Nothing needs you", text, "All accounts", "?")
    return EmptyState(
        "no_results", "No account matches", f"Left out by {' and '.join(conditions)}.", "Show all accounts", "?"
    )
