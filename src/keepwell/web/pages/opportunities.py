"""Opportunities: where may accounts grow, and what became of it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from keepwell.base.clock import SystemClock
from keepwell.jobs.opportunity import Move, do_move_opportunity
from keepwell.jobs.read_today import Growth, read_growth
from keepwell.jobs.today_shape import rule_told
from keepwell.store.models import Member, OpportunitySign
from keepwell.store.read.evidence import access_faces, sentence_of
from keepwell.store.read.opportunity import OpportunityFilter, Stage, access_opportunity, signs_of
from keepwell.store.read.rule import RuleRow, access_rules
from keepwell.store.read.scope import may_act_at
from keepwell.web.pages.alert_act import done, refuse_strangers
from keepwell.web.pages.frame import Choice, EmptyState, member_of, model_choices, models_for

STAGES: Final = {
    "live": "Open and contacted",
    "open": "Open",
    "contacted": "Contacted",
    "won": "Won",
    "lost": "Lost",
    "lapsed": "Lapsed",
    "all": "All",
}
MOST: Final = 200


@dataclass(frozen=True, slots=True)
class GrowthLine:
    growth: Growth
    signs: Sequence[tuple[OpportunitySign, str]]
    may_act: bool


@dataclass(frozen=True, slots=True)
class Context:
    models: Sequence[Choice]
    as_of: datetime
    stages: Sequence[Choice]
    lines: Sequence[GrowthLine]
    blocked: Sequence[GrowthLine]
    total: int
    rules: Sequence[tuple[RuleRow, str]]
    empty: EmptyState | None


@require_safe
def opportunities_page(request: HttpRequest) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    models, model = models_for(request)
    asked = request.GET.get("stage", "live")
    stage = asked if asked in STAGES else "live"
    page = _filled(member, stage, model_choices(models, model), now)
    return render(request, "opportunities.html", {"page": page, "here": "opportunities"})


@require_POST
def contact_opportunity(request: HttpRequest, opportunity_id: int) -> HttpResponse:
    return _moved(request, opportunity_id, "contacted", "was contacted about it")


@require_POST
def lose_opportunity(request: HttpRequest, opportunity_id: int) -> HttpResponse:
    return _moved(request, opportunity_id, "lost", "will not take it")


def _moved(request: HttpRequest, opportunity_id: int, stage: Move, told: str) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    found = access_opportunity(member, opportunity_id)
    if found is None:
        raise Http404
    refuse_strangers(member, found.account, found.assignee_id)
    note = request.POST.get("note", "")
    return done(
        request,
        lambda: do_move_opportunity(found, stage, note=note, by=member.email, now=now),
        f"{found.account} {told}.",
    )


def _filled(member: Member, stage: str, models: Sequence[Choice], now: datetime) -> Context:
    found = read_growth(member, OpportunityFilter(cast("Stage", stage)), now=now)
    lines = growth_lines(member, found[:MOST])
    rules = [row for row in access_rules(member, now=now) if row.noun == "opportunity"]
    return Context(
        models=models,
        as_of=now,
        stages=[Choice(name, title, name == stage) for name, title in STAGES.items()],
        lines=[line for line in lines if not line.growth.opportunity.blocked_because],
        blocked=[line for line in lines if line.growth.opportunity.blocked_because],
        total=len(found),
        rules=[(row, rule_told(row)) for row in rules],
        empty=None if found else _nothing(stage, has_rules=bool(rules)),
    )


def growth_lines(member: Member, found: Sequence[Growth]) -> list[GrowthLine]:
    faces = access_faces(member, (one.opportunity.version_id for one in found))
    return [
        GrowthLine(
            one,
            [(sign, sentence_of(sign, faces.get(one.opportunity.version_id))) for sign in signs_of(one.opportunity)],
            one.opportunity.closed_at is None
            and may_act_at(member, one.opportunity.account, one.opportunity.assignee_id),
        )
        for one in found
    ]


def _nothing(stage: str, *, has_rules: bool) -> EmptyState:
    if not has_rules:
        return EmptyState(
            "first_use", "No rule looks for growth", "The package in force has no opportunities.yaml with rules."
        )
    if stage == "live":
        return EmptyState("all_clear", "No opportunity is open", "No sign of growth holds at any account now.")
    title = f"Nothing under “{STAGES[stage]}”"
    return EmptyState("no_results", title, "No opportunity is in this stage.", "Open and contacted", "?")
