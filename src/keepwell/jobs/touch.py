"""Which accounts are to be scored: those with news, and those whose score has grown old."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from django.db import transaction

from keepwell.base.instant import instant
from keepwell.facts.traits import ACCOUNT_EVENTS, CONTACT_EVENTS
from keepwell.jobs.ledger import Row, insert_rows, stored_time
from keepwell.jobs.urgent import urgent_names
from keepwell.lake.log import EventLog
from keepwell.store.models import EventName, KnownFrom, NamedClaim, TouchedAccount
from keepwell.store.read.score import newest_as_of

# Of the rows of one seal.
RARE_SHARE: Final = 1 / 20
_COLUMNS: Final = "(account_id, known_at, first_at, last_at, tells, is_urgent, since, claimed_by)"
# A newer touch leaves the claim as it is: whoever has it finds the account touched again when done.
_TOUCHED: Final = (
    "ON CONFLICT (account_id) DO UPDATE SET tells = t.tells OR excluded.tells, "
    "is_urgent = t.is_urgent OR excluded.is_urgent, "
    "known_at = CASE WHEN t.known_at > excluded.known_at THEN t.known_at "
    "ELSE coalesce(excluded.known_at, t.known_at) END, "
    "first_at = CASE WHEN t.first_at < excluded.first_at THEN t.first_at "
    "WHEN t.first_at IS NOT NULL THEN excluded.first_at END, "
    "last_at = CASE WHEN t.last_at > excluded.last_at THEN t.last_at "
    "WHEN t.last_at IS NOT NULL THEN excluded.last_at END"
)


class News(msgspec.Struct, frozen=True, array_like=True):
    """What one seal brought to an account; instants are microseconds since 1970 UTC.

    It became known at `known_at` at the latest, and happened from `first_at` to `last_at`; `tells` says that there are
    traits among it, `is_urgent` that an alert rule asks for some of it by name or that some of it is rare.
    """

    account: int
    known_at: int
    first_at: int
    last_at: int
    tells: bool
    is_urgent: bool = False


def news_of(rows: pa.Table) -> list[News]:
    """By account, what these rows of the log bring."""
    flags = {
        "tells": _named(rows, (*ACCOUNT_EVENTS, *CONTACT_EVENTS)),
        "is_urgent": pc.or_(_named(rows, urgent_names()), _rare(rows)),
    }
    times = {column: rows[column].cast(pa.int64()) for column in ("at", "known_at")}
    told = pa.table({"account": rows["account"], **times, **flags})
    asked = [("known_at", "max"), ("at", "min"), ("at", "max"), ("tells", "any"), ("is_urgent", "any")]
    found = told.group_by("account").aggregate(asked)
    columns = ("account", "known_at_max", "at_min", "at_max", "tells_any", "is_urgent_any")
    return [News(*row) for row in zip(*(found[column].to_pylist() for column in columns), strict=True)]


def _rare(rows: pa.Table) -> pa.ChunkedArray:
    """Which rows are not of the names that most rows have: where much comes in, plain use makes the most of it."""
    counts = pc.value_counts(rows["name"])
    is_rare = pc.less_equal(counts.field("counts"), RARE_SHARE * len(rows))
    return pc.is_in(rows["name"], counts.field("values").filter(is_rare))


def _named(rows: pa.Table, names: Collection[str]) -> pa.ChunkedArray:
    codes = EventName.objects.filter(name__in=names).values_list("pk", flat=True)
    return pc.is_in(rows["name"], pa.array(codes, pa.int32()))


def do_touch_accounts(news: Iterable[News]) -> None:
    """Have these accounts scored. Call it once what they have news of is in the log.

    Derived rows only, so no act is recorded.
    """
    known_from = known_from_moment()
    _write(
        (
            one.account,
            stored_time(max(filter(None, (instant(one.known_at), known_from)))),
            stored_time(instant(one.first_at)),
            stored_time(instant(one.last_at)),
            one.tells,
            one.is_urgent,
            stored_time(instant(one.known_at)),
            "",
        )
        for one in news
    )


def do_touch_aged(accounts: Sequence[int], *, is_urgent: bool = False, now: datetime) -> None:
    """Have these accounts scored for no news but the time that has passed."""
    _write((account, None, None, None, True, is_urgent, stored_time(now), "") for account in accounts)


def do_begin_scoring(log: EventLog, moment: datetime) -> None:
    """Say that scores as of a moment are being made: what is sealed from now on counts as known then at the earliest.

    Call it before the log is read. Scoring the moment again then gives the same, whatever was sealed meanwhile.
    """
    before = known_from_moment()
    if before is None or before < moment:
        # A seal that is under way may have looked already; once it is over, its rows are in what is read.
        with log.sealing():
            _move_known_from(moment)


def do_begin_turn(log: EventLog, now: datetime) -> datetime:
    """Begin to score as of a moment of one's own, and give it: now, or just after the last one anybody scored as of.

    So whoever claims an account later scores it as of later, and a clock that is set back stops nothing.
    """
    with log.sealing():
        before = known_from_moment()
        moment = now if before is None else max(now, before + timedelta(microseconds=1))
        _move_known_from(moment)
    return moment


def do_end_claims() -> None:
    """Let go of everything that is claimed; only for where no other worker can run."""
    for rows in (TouchedAccount.objects.all(), NamedClaim.objects.all()):
        rows.exclude(claimed_by="").update(claimed_by="", claimed_until=None)


def known_from_moment() -> datetime | None:
    """The newest moment that scores were made of or are being made of."""
    begun = KnownFrom.objects.values_list("moment", flat=True).first()
    return max(filter(None, (begun, newest_as_of())), default=None)


def _move_known_from(moment: datetime) -> None:
    with transaction.atomic():
        row, _ = KnownFrom.objects.get_or_create(pk=1, defaults={"moment": moment})
        row.moment = max(row.moment, moment)
        row.save()


def _write(rows: Iterable[Row]) -> None:
    # Always in one order, so that two writers cannot wait for each other.
    insert_rows(f"store_touchedaccount AS t {_COLUMNS}", sorted(rows, key=lambda row: int(str(row[0]))), _TOUCHED)
