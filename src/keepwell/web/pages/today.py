"""Today: what comes first, in one ordered list?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from keepwell.base.clock import SystemClock
from keepwell.jobs.read_today import Growth, Risk, Today, default_mine, read_today
from keepwell.store.models import Member, Milestone
from keepwell.store.read.health_model import BandFace, access_models
from keepwell.web.pages.frame import Choice, EmptyState, member_of, model_choices, models_for
from keepwell.web.pages.signal_face import AlertLine, alert_lines

# Of each part; the whole of it is on its own page.
MOST: Final = 25


@dataclass(frozen=True, slots=True)
class RiskLine:
    risk: Risk
    line: AlertLine
    band: BandFace | None


@dataclass(frozen=True, slots=True)
class Context:
    """`currencies` are those that the order compares, named only where there are several."""

    models: Sequence[Choice]
    as_of: datetime
    whose: Sequence[Choice]
    risks: Sequence[RiskLine]
    risk_count: int
    growth: Sequence[Growth]
    growth_count: int
    growth_from: int
    blocked: Sequence[Growth]
    blocked_count: int
    milestones: Sequence[Milestone]
    milestone_count: int
    milestones_from: int
    currencies: str
    empty: EmptyState | None


@require_safe
def today_page(request: HttpRequest) -> HttpResponse:
    member, now = member_of(request), SystemClock().now()
    models, model = models_for(request)
    whose = request.GET.get("whose", "")
    mine = {"mine": member, "all": None}.get(whose, default_mine(member))
    page = _filled(member, read_today(member, mine, now=now), model_choices(models, model), now)
    return render(request, "today.html", {"page": page, "here": "today"})


def _filled(member: Member, today: Today, models: Sequence[Choice], now: datetime) -> Context:
    faces = {face.model.partition("/")[0]: face for face in access_models(member) if face.signals is not None}
    risks = today.risks[:MOST]
    lines = alert_lines(member, [risk.alert for risk in risks], now=now)
    is_mine = today.mine is not None
    return Context(
        models=models,
        as_of=now,
        whose=[Choice("mine", "Mine", is_mine), Choice("all", "Everybody's", not is_mine)],
        risks=[
            RiskLine(risk, line, faces[risk.alert.package].band(risk.band) if risk.alert.package in faces else None)
            for risk, line in zip(risks, lines, strict=True)
        ],
        risk_count=len(today.risks),
        growth=today.growth[:MOST],
        growth_count=len(today.growth),
        growth_from=len(today.risks) + 1,
        blocked=today.blocked[:MOST],
        blocked_count=len(today.blocked),
        milestones=today.milestones[:MOST],
        milestone_count=len(today.milestones),
        milestones_from=len(today.risks) + len(today.growth) + 1,
        currencies=" and ".join(today.currencies) if len(today.currencies) > 1 else "",
        empty=_nothing(today, now) if today.is_empty else None,
    )


def _nothing(today: Today, now: datetime) -> EmptyState:
    checked = f"Checked at {now:%H:%M} UTC: no alert is open, nothing may grow, and no milestone is new"
    if today.mine is None:
        return EmptyState("all_clear", "Nothing needs you", f"{checked}.")
    return EmptyState(
        "all_clear", "Nothing needs you", f"{checked} at your accounts.", "Everybody's accounts", "?whose=all"
    )
