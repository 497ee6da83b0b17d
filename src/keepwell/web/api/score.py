"""Scores of one account: now, over time, and explained."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.http import HttpRequest
from ninja import Router, Schema, Status

from keepwell.base.clock import SystemClock
from keepwell.base.home import Home
from keepwell.jobs.growth_shape import SignShape, expansion_signals
from keepwell.jobs.read_account import Explanation, account_explanation
from keepwell.store.models import Member
from keepwell.store.read.account import access_account
from keepwell.store.read.health_model import ModelFace
from keepwell.store.read.score import access_history, access_newest_as_of
from keepwell.web.api.model import asked_model
from keepwell.web.api.shape import Id, Moment, NotFound, Text, points
from keepwell.web.pages.frame import member_of

router = Router()
LONGEST = timedelta(days=3660)


class ScoreShape(Schema):
    """`expansion_signals` are those that spoke for growth at that moment."""

    model: str
    model_version: int
    as_of: datetime
    score: Decimal | None
    band: str | None
    coverage: float
    expansion_signals: list[SignShape]


@dataclass(frozen=True, slots=True)
class Found:
    """A score, what it is made of, and what spoke for growth then."""

    face: ModelFace
    explanation: Explanation
    signs: list[SignShape]


class PointShape(Schema):
    as_of: datetime
    score: Decimal | None
    band: str | None
    coverage: float


class HistoryShape(Schema):
    model: str
    points: list[PointShape]


class MeasureShape(Schema):
    """`points` of all measures add up to the score exactly; `value` is null where there was no data."""

    metric: str
    title: str
    value: float | None
    weight: Decimal | None
    points: Decimal | None


class ExplanationShape(ScoreShape):
    measures: list[MeasureShape]


@router.get("/{int:account_id}/score", response={200: ScoreShape, 404: NotFound}, summary="Score as of a moment")
def score(
    request: HttpRequest, account_id: Id, model: Text | None = None, as_of: Moment | None = None
) -> Status[object]:
    found = _explained(member_of(request), account_id, model, as_of)
    return Status(404, NotFound()) if found is None else Status(200, _score(found))


@router.get("/{int:account_id}/scores", response={200: HistoryShape, 404: NotFound}, summary="Score history")
def history(
    request: HttpRequest,
    account_id: Id,
    model: Text | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> Status[object]:
    member = member_of(request)
    face = asked_model(member, model)
    if face is None or access_account(member, account_id) is None:
        return Status(404, NotFound())
    end = until or SystemClock().now()
    rows = access_history(member, face.model, [account_id], since or end - LONGEST, end)[account_id]
    return Status(
        200,
        HistoryShape(
            model=face.model,
            points=[
                PointShape(as_of=row.as_of, score=points(row.nano_points), band=row.band or None, coverage=row.coverage)
                for row in rows
            ],
        ),
    )


@router.get(
    "/{int:account_id}/explanation",
    response={200: ExplanationShape, 404: NotFound},
    summary="The measures a score is made of",
)
def explanation(
    request: HttpRequest, account_id: Id, model: Text | None = None, as_of: Moment | None = None
) -> Status[object]:
    found = _explained(member_of(request), account_id, model, as_of)
    if found is None:
        return Status(404, NotFound())
    measures = [
        MeasureShape(
            metric=line.metric,
            title=found.face.metric_title(line.metric),
            value=line.value,
            weight=points(line.weight_nano),
            points=points(line.points_nano),
        )
        for line in found.explanation.measures
    ]
    return Status(200, ExplanationShape(**dict(_score(found)), measures=measures))


def _explained(member: Member, account_id: int, model: str | None, as_of: datetime | None) -> Found | None:
    face, account = asked_model(member, model), access_account(member, account_id)
    if face is None or account is None:
        return None
    moment = as_of or access_newest_as_of(member, face.model)
    explained = account_explanation(Home(settings.KEEPWELL.home), account_id, face.model, moment) if moment else None
    if moment is None or explained is None:
        return None
    return Found(face, explained, expansion_signals(member, account, moment, now=SystemClock().now()))


def _score(found: Found) -> ScoreShape:
    return ScoreShape(
        model=found.face.model,
        model_version=found.face.number,
        as_of=found.explanation.as_of,
        score=points(found.explanation.nano_points),
        band=found.explanation.band or None,
        coverage=found.explanation.coverage,
        expansion_signals=found.signs,
    )
