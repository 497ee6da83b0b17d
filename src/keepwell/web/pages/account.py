"""Account: one account's score, what it is made of, why it moved, and who is there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from keepwell.base.clock import SystemClock
from keepwell.base.figure import measured
from keepwell.base.home import Home
from keepwell.health.explain import Reason
from keepwell.jobs.enrolment_start import playbook_choices
from keepwell.jobs.read_account import Change, Explanation, account_change, account_explanation
from keepwell.jobs.read_today import read_growth
from keepwell.store.models import Account, Contact, Document, Member
from keepwell.store.read.account import access_account, access_contacts
from keepwell.store.read.alert import AlertFilter, access_alerts
from keepwell.store.read.document import access_documents
from keepwell.store.read.enrolment import access_enrolments
from keepwell.store.read.health_model import BandFace, ModelFace, access_model_version
from keepwell.store.read.milestone import MilestoneFilter, access_milestones
from keepwell.store.read.opportunity import OpportunityFilter
from keepwell.store.read.scope import may_act_at
from keepwell.store.read.score import ScorePoint, access_current, access_history, access_newest_as_of
from keepwell.store.read.touch import access_touches
from keepwell.web.charts import Options, history_chart, history_text, waterfall_chart
from keepwell.web.pages.enrolments import EnrolmentLine, enrolment_lines
from keepwell.web.pages.frame import Choice, EmptyState, member_of, model_choices, models_for
from keepwell.web.pages.milestones import MilestoneLine, milestone_lines
from keepwell.web.pages.opportunities import GrowthLine, growth_lines
from keepwell.web.pages.signal_face import AlertLine, alert_lines
from keepwell.web.pages.touch_face import TouchLine, touch_lines
from keepwell.web.pages.weight_tree import TreeRow, tree_rows

CONTACTS_SHOWN = 12
TOUCHES_SHOWN = 5
DOCUMENTS_SHOWN = 5
REASONS_SHOWN = 3
SPANS = {"30": "30 days", "90": "90 days", "365": "1 year", "3650": "All"}
CAUSES = {
    "behaviour": "Behaviour",
    "ageing": "Nothing new, older events left the window",
    "late": "Facts known later",
    "data": "Data missing or back",
    "model": "Model edit",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A measure that costs or brings points; `nano` is what it loses (negative) or wins."""

    metric: str
    title: str
    value: str
    nano: int


@dataclass(frozen=True, slots=True)
class CauseRow:
    metric: str
    title: str
    before: str
    after: str
    nano: int
    cause: str
    is_read: bool


@dataclass(frozen=True, slots=True)
class ChangeView:
    """Why the score moved between two days; `change` is None where one of them has no score."""

    since: date
    until: date
    change: Change | None
    rows: Sequence[CauseRow]
    totals: Sequence[tuple[str, int]]
    chart: Options | None


@dataclass(frozen=True, slots=True)
class OtherScore:
    title: str
    href: str
    nano_points: int | None
    band: BandFace | None


@dataclass(frozen=True, slots=True)
class Context:
    account: Account
    models: Sequence[Choice]
    model: ModelFace | None
    empty: EmptyState | None = None
    as_of: datetime | None = None
    is_past: bool = False
    explanation: Explanation | None = None
    band: BandFace | None = None
    is_hollow: bool = False
    week_nano: int | None = None
    history: Options | None = None
    history_text: str = ""
    history_points: Sequence[tuple[ScorePoint, BandFace | None]] = ()
    spans: Sequence[Choice] = ()
    tree: Sequence[TreeRow] = ()
    change: ChangeView | None = None
    risks: Sequence[Standing] = ()
    strengths: Sequence[Standing] = ()
    others: Sequence[OtherScore] = ()
    contacts: Sequence[Contact] = ()
    contact_count: int = 0
    traits: Sequence[tuple[str, str]] = ()
    today: date | None = None
    alerts: Sequence[AlertLine] = ()
    growth: Sequence[GrowthLine] = ()
    milestones: Sequence[MilestoneLine] = ()
    enrolments: Sequence[EnrolmentLine] = ()
    touches: Sequence[TouchLine] = ()
    startable: Sequence[tuple[str, str]] = ()
    documents: Sequence[Document] = ()


@require_safe
def account_page(request: HttpRequest, account_id: int) -> HttpResponse:
    member = member_of(request)
    account = access_account(member, account_id)
    if account is None:
        raise Http404
    models, model = models_for(request)
    choices = model_choices(models, model)
    contacts, contact_count = access_contacts(member, account_id, CONTACTS_SHOWN)
    moment = _moment(request, member, model)
    found = account_explanation(_home(), account_id, model.model, moment) if model else None
    face = access_model_version(member, found.version_id) if found else None
    shared = {
        "contacts": contacts,
        "contact_count": contact_count,
        "traits": _traits(account),
        **_signals(member, account),
    }
    if model is None or found is None or face is None:
        page = Context(account, choices, model, empty=_no_score(model), **shared)  # type: ignore[arg-type]
    else:
        page = _filled(request, member, account, face, found, choices, shared)
    return render(request, "account.html", {"page": page, "here": "accounts"})


def _filled(
    request: HttpRequest,
    member: Member,
    account: Account,
    model: ModelFace,
    found: Explanation,
    choices: Sequence[Choice],
    shared: Mapping[str, object],
) -> Context:
    span = request.GET.get("span", "90")
    span = span if span in SPANS else "90"
    points = access_history(member, model.model, [account.pk], found.as_of - timedelta(days=int(span)), found.as_of)[
        account.pk
    ]
    band = model.band(found.band)
    return Context(
        account=account,
        models=choices,
        model=model,
        as_of=found.as_of,
        is_past="as_of" in request.GET,
        explanation=found,
        band=band,
        is_hollow=found.nano_points is None or found.coverage < model.min_coverage,
        week_nano=_week_change(account.pk, model, found),
        history=history_chart(points, model, _version_marks(points, member)),
        history_text=history_text(points),
        history_points=[(point, model.band(point.band)) for point in reversed(points)],
        spans=[Choice(days, title, days == span) for days, title in SPANS.items()],
        tree=tree_rows(model, found),
        change=_change_view(request, account.pk, model, found),
        risks=_standings(model, found, found.risks, -1),
        strengths=_standings(model, found, found.strengths, 1),
        others=_others(member, account.pk, model, choices),
        today=SystemClock().now().date(),
        **shared,  # type: ignore[arg-type]  # contacts and traits, typed where they are made
    )


def _signals(member: Member, account: Account) -> dict[str, object]:
    """What is open at the account now, whatever day the page is about."""
    now = SystemClock().now()
    growth = read_growth(member, OpportunityFilter(account=account.pk), now=now)
    milestones = access_milestones(member, MilestoneFilter(account=account.pk))
    return {
        "alerts": alert_lines(member, access_alerts(member, AlertFilter(account=account.pk), now=now), now=now),
        "growth": growth_lines(member, growth),
        "milestones": milestone_lines(member, milestones),
        "enrolments": enrolment_lines(list(access_enrolments(member, account=account.pk)), now),
        "touches": touch_lines(list(access_touches(member, "all", account.pk)[:TOUCHES_SHOWN])),
        "startable": list(playbook_choices().items()) if may_act_at(member, account) else [],
        "documents": list(access_documents(member, account.pk)[:DOCUMENTS_SHOWN]),
    }


def day_end(text: str | None) -> datetime | None:
    """The last microsecond of a day written as 2026-11-20, in UTC."""
    try:
        found = date.fromisoformat(text or "")
        return datetime.combine(found, time.max, UTC)
    except ValueError:
        return None


def _home() -> Home:
    return Home(settings.KEEPWELL.home)


def _moment(request: HttpRequest, member: Member, model: ModelFace | None) -> datetime:
    asked = day_end(request.GET.get("as_of"))
    newest = access_newest_as_of(member, model.model) if model else None
    return asked or newest or SystemClock().now()


def _week_change(account_id: int, model: ModelFace, found: Explanation) -> int | None:
    before = account_explanation(_home(), account_id, model.model, found.as_of - timedelta(days=7))
    if before is None or before.nano_points is None or found.nano_points is None:
        return None
    return found.nano_points - before.nano_points


def _version_marks(points: Sequence[ScorePoint], member: Member) -> list[tuple[datetime, int]]:
    marks = []
    for before, point in pairwise(points):
        if before.version_id != point.version_id:
            version = access_model_version(member, point.version_id)
            marks.append((point.as_of, version.number if version else 0))
    return marks


def _change_view(request: HttpRequest, account_id: int, model: ModelFace, found: Explanation) -> ChangeView:
    until = min(day_end(request.GET.get("until")) or found.as_of, found.as_of)
    since = day_end(request.GET.get("since")) or until - timedelta(days=30)
    change = account_change(_home(), account_id, model.model, min(since, until), until)
    if change is None:
        return ChangeView(since.date(), until.date(), None, (), (), None)
    totals: dict[str, int] = {}
    rows = []
    for line in change.lines:
        metric = model.metrics.get(line.metric)
        unit = metric.unit if metric else "number"
        totals[CAUSES[line.cause]] = totals.get(CAUSES[line.cause], 0) + line.change_nano
        rows.append(
            CauseRow(
                metric=line.metric,
                title=model.metric_title(line.metric),
                before=measured(line.before.value if line.before else None, unit),
                after=measured(line.after.value if line.after else None, unit),
                nano=line.change_nano,
                cause=CAUSES[line.cause],
                is_read=line.metric in model.metrics,
            )
        )
    chart = waterfall_chart(change, model) if rows else None
    return ChangeView(since.date(), until.date(), change, rows, list(totals.items()), chart)


def _standings(model: ModelFace, found: Explanation, reasons: Sequence[Reason], sign: int) -> list[Standing]:
    values = {line.metric: line.value for line in found.measures}
    return [_standing(model, one.metric, values.get(one.metric), sign * one.nano) for one in reasons[:REASONS_SHOWN]]


def _standing(model: ModelFace, metric: str, value: float | None, nano: int) -> Standing:
    face = model.metrics.get(metric)
    return Standing(metric, model.metric_title(metric), measured(value, face.unit if face else "number"), nano)


def _others(member: Member, account_id: int, model: ModelFace, choices: Sequence[Choice]) -> list[OtherScore]:
    titles = {choice.value: choice.title for choice in choices}
    found = []
    for current in access_current(member, account_id):
        if current.model != model.model and current.model in titles:
            face = access_model_version(member, current.record.version_id)
            band = face.band(current.band) if face else None
            found.append(OtherScore(titles[current.model], f"?model={current.model}", current.nano_points, band))
    return found


def _traits(account: Account) -> list[tuple[str, str]]:
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in sorted(account.traits.items())
    ]


def _no_score(model: ModelFace | None) -> EmptyState:
    if model is None:
        return EmptyState("first_use", "No health model is published", "Run 'keepwell score' to score every account.")
    return EmptyState(
        "no_data",
        "No score for this account",
        f"{model.title} had not scored it by then: no event of it was known.",
    )
