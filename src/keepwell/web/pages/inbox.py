"""Inbox: which alerts are open, and who answers them?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from keepwell.base.clock import SystemClock
from keepwell.signals.alert import SEVERITIES
from keepwell.store.models import Member
from keepwell.store.read.alert import (
    AlertFilter,
    Listed,
    Order,
    access_alert_counts,
    access_alert_rules,
    access_alerts,
)
from keepwell.store.read.health_model import ModelFace
from keepwell.store.read.response import ABOUT, ResponseTime, access_response_times
from keepwell.web.pages.frame import Choice, EmptyState, member_of, model_choices, models_for
from keepwell.web.pages.signal_face import SEVERITY_FACES, AlertLine, alert_lines

PAGE_SIZE: Final = 50
LISTS: Final = {"open": "Open", "new": "New", "put_aside": "Put aside", "closed": "Closed", "all": "All"}
WHOSE: Final = {"": "Everybody's", "mine": "Mine", "nobody": "Nobody's"}
ORDERS: Final = {"severity": "Worst first", "due": "Due first", "newest": "Newest first"}


@dataclass(frozen=True, slots=True)
class Question:
    """What the address asks for; anything it cannot mean falls back to the plain list."""

    listed: str
    severity: str
    rule: str
    whose: str
    segment: str
    sort: str
    number: int

    def query(self, **changed: object) -> str:
        state: dict[str, object] = {
            "state": "" if self.listed == "open" else self.listed,
            "severity": self.severity,
            "rule": self.rule,
            "whose": self.whose,
            "segment": self.segment,
            "sort": "" if self.sort == "severity" else self.sort,
        }
        state.update(changed)
        return urlencode({name: value for name, value in state.items() if value})

    @property
    def is_narrowed(self) -> bool:
        return bool(self.severity or self.rule or self.whose or self.segment)


@dataclass(frozen=True, slots=True)
class Tab:
    title: str
    count: int
    href: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ClockLine:
    """One clock in words."""

    about: str
    time: ResponseTime
    has_target: bool


@dataclass(frozen=True, slots=True)
class Context:
    models: Sequence[Choice]
    as_of: datetime
    question: Question
    lines: Sequence[AlertLine]
    tabs: Sequence[Tab]
    severities: Sequence[Choice]
    rules: Sequence[Choice]
    whose: Sequence[Choice]
    segments: Sequence[Choice]
    orders: Sequence[Choice]
    clocks: Sequence[ClockLine]
    before_href: str
    after_href: str
    empty: EmptyState | None


@require_safe
def inbox_page(request: HttpRequest) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    models, model = models_for(request)
    question = read_question(request.GET, model)
    page = _filled(member, model, question, model_choices(models, model), now)
    return render(request, "inbox.html", {"page": page, "here": "inbox"})


def read_question(query: QueryDict, model: ModelFace | None) -> Question:
    number, segment = query.get("page", "1"), query.get("segment", "")
    return Question(
        listed=_known(query.get("state"), LISTS, "open"),
        severity=_known(query.get("severity"), SEVERITIES, ""),
        rule=query.get("rule", "").replace("\0", ""),
        whose=_known(query.get("whose"), WHOSE, ""),
        segment=segment if model is not None and segment in model.segments else "",
        sort=_known(query.get("sort"), ORDERS, "severity"),
        number=int(number) if number.isascii() and number.isdigit() and 1 <= int(number) < 10**6 else 1,
    )


def _filled(
    member: Member, model: ModelFace | None, question: Question, models: Sequence[Choice], now: datetime
) -> Context:
    # Each word is one of those it may be; see read_question.
    wanted = AlertFilter(
        listed=cast("Listed", question.listed),
        severities=(question.severity,) if question.severity else (),
        rule=question.rule,
        mine=member if question.whose == "mine" else None,
        assignee="nobody" if question.whose == "nobody" else "",
        model=model.model if model else "",
        segment=question.segment,
    )
    first = (question.number - 1) * PAGE_SIZE
    rows = access_alerts(member, wanted, order=cast("Order", question.sort), first=first, size=PAGE_SIZE + 1, now=now)
    counts = access_alert_counts(member, wanted, now=now)
    lines = alert_lines(member, rows[:PAGE_SIZE], now=now)
    return Context(
        models=models,
        as_of=now,
        question=question,
        lines=lines,
        tabs=[
            Tab(title, counts[f"{name}_count"], f"?{question.query(state=name)}", name == question.listed)
            for name, title in LISTS.items()
        ],
        severities=_choices({"": "Any", **{name: SEVERITY_FACES[name][0] for name in SEVERITIES}}, question.severity),
        rules=_choices({"": "Any", **dict(access_alert_rules(member))}, question.rule),
        whose=_choices(WHOSE, question.whose),
        segments=_choices({"": "Any", **(model.segments if model else {})}, question.segment),
        orders=_choices(ORDERS, question.sort),
        clocks=[ClockLine(ABOUT[one.clock], one, one.clock == "response") for one in _clocks(member, now)],
        before_href=f"?{question.query(page=question.number - 1)}" if question.number > 1 else "",
        after_href=f"?{question.query(page=question.number + 1)}" if len(rows) > PAGE_SIZE else "",
        empty=None if lines else _nothing(question, counts, now),
    )


def _clocks(member: Member, now: datetime) -> Sequence[ResponseTime]:
    """Nothing where no alert opened in the window."""
    found = access_response_times(member, now=now)
    return found if any(one.n or one.running for one in found) else ()


def _known(text: str | None, known: Sequence[str] | dict[str, str], otherwise: str) -> str:
    return text if text is not None and text in known else otherwise


def _choices(titles: dict[str, str], chosen: str) -> list[Choice]:
    return [Choice(name, title, name == chosen) for name, title in titles.items()]


def _nothing(question: Question, counts: dict[str, int], now: datetime) -> EmptyState:
    if question.is_narrowed:
        return EmptyState("no_results", "No alert matches", "The filter leaves none over.", "Show all", "?")
    if question.number > 1:
        return EmptyState("no_results", "This page is past the end", "The list is shorter.", "First page", "?")
    if not counts["all_count"]:
        return EmptyState(
            "first_use",
            "No alert yet",
            "Alerts open when live events meet a rule of the package. The first look at accounts, and every look after "
            "an import, is quiet: what was so before startles nobody.",
        )
    if question.listed in {"open", "new"}:
        aside = counts["put_aside_count"]
        text = f"Checked at {now:%H:%M} UTC. " + (f"{aside} put aside." if aside else "Nothing is put aside.")
        return EmptyState("all_clear", "Nothing needs you", text)
    title = f"Nothing under “{LISTS[question.listed]}”"
    return EmptyState("no_results", title, "No alert is in this state.", "Show what is open", "?")
