"""Milestones: what is there to celebrate, and where is it unwise now?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from keepwell.base.clock import SystemClock
from keepwell.jobs.milestone import Settled, do_settle_milestone
from keepwell.store.models import Member, Milestone
from keepwell.store.read.evidence import access_faces, sentence_of
from keepwell.store.read.milestone import (
    MilestoneFilter,
    State,
    access_milestone,
    access_milestone_count,
    access_milestones,
)
from keepwell.store.read.scope import may_act_at
from keepwell.web.pages.alert_act import done, refuse_strangers
from keepwell.web.pages.frame import Choice, EmptyState, member_of, model_choices, models_for

STATES: Final = {"new": "New", "celebrated": "Celebrated", "passed_over": "Passed over", "all": "All"}
MOST: Final = 200


@dataclass(frozen=True, slots=True)
class MilestoneLine:
    milestone: Milestone
    sentence: str
    may_act: bool


@dataclass(frozen=True, slots=True)
class Context:
    models: Sequence[Choice]
    as_of: datetime
    states: Sequence[Choice]
    lines: Sequence[MilestoneLine]
    total: int
    empty: EmptyState | None


@require_safe
def milestones_page(request: HttpRequest) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    models, model = models_for(request)
    asked = request.GET.get("state", "new")
    state = asked if asked in STATES else "new"
    wanted = MilestoneFilter(cast("State", state))
    rows = access_milestones(member, wanted, size=MOST)
    page = Context(
        models=model_choices(models, model),
        as_of=now,
        states=[Choice(name, title, name == state) for name, title in STATES.items()],
        lines=milestone_lines(member, rows),
        total=access_milestone_count(member, wanted),
        empty=None if rows else _nothing(state),
    )
    return render(request, "milestones.html", {"page": page, "here": "milestones"})


@require_POST
def celebrate_milestone(request: HttpRequest, milestone_id: int) -> HttpResponse:
    return _settled(request, milestone_id, "celebrated")


@require_POST
def pass_over_milestone(request: HttpRequest, milestone_id: int) -> HttpResponse:
    return _settled(request, milestone_id, "passed_over")


def milestone_lines(member: Member, rows: Sequence[Milestone]) -> list[MilestoneLine]:
    faces = access_faces(member, (row.version_id for row in rows))
    return [
        MilestoneLine(
            row, sentence_of(row, faces.get(row.version_id)), row.state == "new" and may_act_at(member, row.account)
        )
        for row in rows
    ]


def _settled(request: HttpRequest, milestone_id: int, state: Settled) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    found = access_milestone(member, milestone_id)
    if found is None:
        raise Http404
    refuse_strangers(member, found.account, None)
    told = f"“{found.title}” at {found.account} is {STATES[state].lower()}."
    return done(request, lambda: do_settle_milestone(found, state, by=member.email, now=now), told)


def _nothing(state: str) -> EmptyState:
    if state == "new":
        return EmptyState("all_clear", "No milestone is new", "What was reached was celebrated or passed over.")
    return EmptyState("no_results", f"Nothing under “{STATES[state]}”", "No milestone is there.", "New", "?")
