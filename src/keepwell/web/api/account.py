"""Accounts."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from keepwell.base.clock import SystemClock
from keepwell.store.read.account import (
    AccountFilter,
    AccountRow,
    access_account_count,
    access_accounts,
    access_accounts_by_id,
)
from keepwell.web.api.model import asked_model
from keepwell.web.api.shape import Id, NotFound, Text, points
from keepwell.web.pages.frame import member_of

router = Router()

Sort = Literal["score", "name", "mrr", "renewal", "coverage", "owner"]


class AccountShape(Schema):
    """`is_stale`: the score is of `as_of`, and that is more than 24 hours ago."""

    id: int
    key: str
    name: str
    plan: str
    mrr: Decimal | None
    currency: str
    renewal_on: date | None
    owner: str | None
    score: Decimal | None
    band: str | None
    coverage: float | None
    trend: str | None
    as_of: datetime | None
    is_stale: bool


class AccountList(Schema):
    model: str
    total: int
    accounts: list[AccountShape]


class ListQuery(Schema):
    model: Text | None = None
    search: Annotated[Text, Field(max_length=200)] = ""
    band: Text = ""
    plan: Text = ""
    segment: Text = ""
    trend: Literal["", "improving", "stable", "declining"] = ""
    sort: Sort = "score"
    descending: bool = False
    first: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    size: Annotated[int, Field(ge=1, le=500)] = 100


@router.get("", response={200: AccountList, 404: NotFound}, summary="Accounts with their newest score")
def list_accounts(request: HttpRequest, query: Query[ListQuery]) -> Status[object]:
    member = member_of(request)
    model = asked_model(member, query.model)
    if model is None:
        return Status(404, NotFound())
    wanted = AccountFilter(query.search, (query.band,) if query.band else (), query.plan, query.segment, query.trend)
    rows = access_accounts(
        member,
        model.model,
        wanted,
        sort=query.sort,
        is_descending=query.descending,
        first=query.first,
        size=query.size,
    )
    total = access_account_count(member, model.model, wanted)
    return Status(200, AccountList(model=model.model, total=total, accounts=[_shape(row) for row in rows]))


@router.get("/{int:account_id}", response={200: AccountShape, 404: NotFound}, summary="One account")
def one_account(request: HttpRequest, account_id: Id, model: Text | None = None) -> Status[object]:
    member = member_of(request)
    face = asked_model(member, model)
    rows = access_accounts_by_id(member, face.model, [account_id]) if face else []
    return Status(200, _shape(rows[0])) if rows else Status(404, NotFound())


def _shape(row: AccountRow) -> AccountShape:
    return AccountShape(
        id=row.id,
        key=row.key,
        name=row.name,
        plan=row.plan,
        mrr=row.mrr,
        currency=row.currency,
        renewal_on=row.renewal_on,
        owner=row.owner,
        score=points(row.nano_points),
        band=row.band or None,
        coverage=row.coverage,
        trend=row.trend or None,
        as_of=row.as_of,
        is_stale=row.has_old_score(SystemClock().now()),
    )
