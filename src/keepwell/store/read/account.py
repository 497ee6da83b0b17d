"""Accounts: one, and lists of them filtered, sorted and paged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, OrderBy, Q, QuerySet

from keepwell.store.models import Account, Contact, CurrentScore, Member, SegmentAccount
from keepwell.store.read.scope import sees_everything, visible_accounts

UNKNOWN = "unknown"
LONGEST_ID = 19
# Scores are made anew within the hour; one older than this says that the worker stands still.
OLD_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """What a list is narrowed to; empty means everything. `bands` may hold "unknown"."""

    search: str = ""
    bands: tuple[str, ...] = ()
    plan: str = ""
    segment: str = ""
    trend: str = ""
    ids: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One line of the list, with its newest score under a model; `reasons` are metrics and what they lose."""

    reasons: tuple[tuple[str, int], ...]
    id: int
    key: str
    name: str
    plan: str
    mrr: Decimal | None
    currency: str
    renewal_on: date | None
    owner: str | None
    last_event_at: datetime | None
    nano_points: int | None
    band: str
    coverage: float | None
    as_of: datetime | None
    trend: str

    @property
    def title(self) -> str:
        return self.name or self.key

    def has_old_score(self, now: datetime) -> bool:
        return self.as_of is not None and now - self.as_of > OLD_AFTER


SORTS: dict[str, Sequence[str]] = {
    "score": ("nano_points",),
    "name": ("account__name", "account__key"),
    "mrr": ("account__mrr",),
    "renewal": ("account__renewal_on",),
    "coverage": ("record__coverage",),
    "owner": ("account__owner__name",),
}

_COLUMNS = (
    "reasons",
    "account_id",
    "account__key",
    "account__name",
    "account__plan",
    "account__mrr",
    "account__currency",
    "account__renewal_on",
    "account__owner__name",
    "account__last_event_at",
    "nano_points",
    "band",
    "record__coverage",
    "record__as_of",
    "record__trend",
)


def access_account(member: Member, account_id: int) -> Account | None:
    return visible_accounts(member).select_related("owner").filter(pk=account_id).first()


def access_account_named(member: Member, named: str) -> Account | None:
    """The account with this key, or else with this id."""
    rows = visible_accounts(member).select_related("owner")
    by_key = rows.filter(key=named).first()
    is_id = named.isascii() and named.isdigit() and len(named) < LONGEST_ID
    return by_key or (rows.filter(pk=int(named)).first() if is_id else None)


def access_contacts(member: Member, account_id: int, limit: int) -> tuple[list[Contact], int]:
    """The first contacts by name, and how many there are."""
    rows = Contact.objects.filter(account__in=visible_accounts(member), account_id=account_id)
    return list(rows.order_by("name", "key")[:limit]), rows.count()


def access_account_count(member: Member, model: str, wanted: AccountFilter) -> int:
    return _scored(member, model, wanted).count()


def access_account_ids(member: Member, model: str, wanted: AccountFilter) -> list[int]:
    return list(_scored(member, model, wanted).values_list("account_id", flat=True))


def access_accounts(
    member: Member, model: str, wanted: AccountFilter, *, sort: str, is_descending: bool, first: int, size: int
) -> list[AccountRow]:
    """One page; accounts without the sorted value come last in both directions."""
    order = [_ordered(column, is_descending) for column in SORTS[sort]]
    rows = _scored(member, model, wanted).order_by(*order, "account_id")[first : first + size]
    return [_row(values) for values in rows.values_list(*_COLUMNS)]


def access_accounts_by_id(member: Member, model: str, ids: Sequence[int]) -> list[AccountRow]:
    """These accounts in the order asked, without those that may not be seen or have no score."""
    rows = _scored(member, model, AccountFilter()).filter(account_id__in=ids)
    found = {row.id: row for row in map(_row, rows.values_list(*_COLUMNS))}
    return [found[account] for account in ids if account in found]


def access_plans(member: Member) -> list[str]:
    return list(visible_accounts(member).exclude(plan="").order_by("plan").values_list("plan", flat=True).distinct())


def access_segment_counts(member: Member, model: str) -> dict[str, int]:
    """How many visible accounts each segment holds; those that hold none are left out."""
    rows = SegmentAccount.objects.filter(model=model, account__in=visible_accounts(member))
    return dict(rows.values_list("segment").annotate(count=Count("pk")))


def _scored(member: Member, model: str, wanted: AccountFilter) -> QuerySet[CurrentScore]:
    rows = CurrentScore.objects.filter(model=model)
    if not sees_everything(member):
        rows = rows.filter(account__in=visible_accounts(member))
    if wanted.search:
        rows = rows.filter(Q(account__name__icontains=wanted.search) | Q(account__key__icontains=wanted.search))
    if wanted.bands:
        rows = rows.filter(band__in=["" if band == UNKNOWN else band for band in wanted.bands])
    if wanted.plan:
        rows = rows.filter(account__plan=wanted.plan)
    if wanted.segment:
        rows = rows.filter(account__segments__model=model, account__segments__segment=wanted.segment)
    if wanted.trend:
        rows = rows.filter(record__trend=wanted.trend)
    if wanted.ids is not None:
        rows = rows.filter(account_id__in=wanted.ids)
    return rows


def _ordered(column: str, is_descending: bool) -> OrderBy:
    return F(column).desc(nulls_last=True) if is_descending else F(column).asc(nulls_last=True)


def _row(values: Sequence[Any]) -> AccountRow:
    """The columns are in the order of the fields."""
    reasons, *plain = values
    return AccountRow(tuple((str(reason["metric"]), int(reason["lost_nano"])) for reason in reasons), *plain)
