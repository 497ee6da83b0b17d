"""The events behind a number: those of one account that one metric read, or all of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from keepwell.base.clock import SystemClock
from keepwell.base.figure import measured
from keepwell.base.home import Home
from keepwell.jobs.read_account import (
    EVENTS_A_PAGE,
    EventRow,
    Explanation,
    account_events,
    account_explanation,
)
from keepwell.store.models import Account
from keepwell.store.read.account import access_account
from keepwell.store.read.health_model import MetricFace, ModelFace, access_model_version
from keepwell.store.read.score import access_newest_as_of
from keepwell.web.pages.account import day_end
from keepwell.web.pages.frame import Choice, EmptyState, member_of, model_choices, models_for


@dataclass(frozen=True, slots=True)
class Line:
    event: EventRow
    properties: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Context:
    account: Account
    models: Sequence[Choice]
    model: ModelFace | None
    as_of: datetime
    metric: MetricFace | None
    value: str
    lines: Sequence[Line]
    total: int
    first: int
    last: int
    before_href: str
    after_href: str
    empty: EmptyState | None


@require_safe
def account_events_page(request: HttpRequest, account_id: int) -> HttpResponse:
    member = member_of(request)
    account = access_account(member, account_id)
    if account is None:
        raise Http404
    models, model = models_for(request)
    newest = access_newest_as_of(member, model.model) if model else None
    asked = day_end(request.GET.get("as_of"))
    moment = asked or newest
    explanation = (
        account_explanation(Home(settings.KEEPWELL.home), account_id, model.model, moment) if model and moment else None
    )
    face = access_model_version(member, explanation.version_id) if explanation else model
    metric = _metric(request, face)
    as_of = explanation.as_of if explanation else asked or SystemClock().now()
    page = _filled(request, account, face, metric, explanation, as_of, model_choices(models, model))
    return render(request, "account_events.html", {"page": page, "here": "accounts"})


def _metric(request: HttpRequest, model: ModelFace | None) -> MetricFace | None:
    name = request.GET.get("metric")
    if not name:
        return None
    metric = model.metrics.get(name) if model else None
    if metric is None:
        raise Http404
    return metric


def _filled(
    request: HttpRequest,
    account: Account,
    model: ModelFace | None,
    metric: MetricFace | None,
    explanation: Explanation | None,
    as_of: datetime,
    models: Sequence[Choice],
) -> Context:
    text = request.GET.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and 1 <= int(text) < 10**6 else 1
    found = account_events(
        Home(settings.KEEPWELL.home),
        account.pk,
        version_id=model.version_id if model else 0,
        metric=metric.id if metric else None,
        days=metric.days if metric else None,
        as_of=as_of,
        page=number,
    )
    first = (number - 1) * EVENTS_A_PAGE
    last = first + len(found.rows)
    line = (
        next((item for item in explanation.measures if metric and item.metric == metric.id), None)
        if explanation
        else None
    )
    return Context(
        account=account,
        models=models,
        model=model,
        as_of=as_of,
        metric=metric,
        value=measured(line.value, metric.unit) if line and metric else "",
        lines=[Line(event, _properties(event)) for event in found.rows],
        total=found.total,
        first=first + 1 if found.rows else 0,
        last=last,
        before_href=_page(request, number - 1) if number > 1 else "",
        after_href=_page(request, number + 1) if last < found.total else "",
        empty=None if found.rows else _nothing(metric),
    )


def _properties(event: EventRow) -> list[tuple[str, str]]:
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
        for name, value in event.properties.items()
    ]


def _page(request: HttpRequest, number: int) -> str:
    query = {name: request.GET[name] for name in ("metric", "as_of", "model") if name in request.GET}
    return f"?{urlencode({**query, 'page': number})}"


def _nothing(metric: MetricFace | None) -> EmptyState:
    if metric is None:
        return EmptyState("no_data", "No events by then", "The log holds no event of this account before that moment.")
    window = f" in the {metric.days} days before" if metric.days else " before that moment"
    names = ", ".join(metric.events) or "other metrics only"
    return EmptyState("no_data", "No events of this kind", f"{metric.title} reads {names}; none was known{window}.")
