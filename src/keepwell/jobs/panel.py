"""From scores, values and the state to the panel that rules are asked about."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar

import numpy as np
from django.db.models import Avg, CharField, Max, Min, Model, QuerySet
from django.db.models.functions import Cast, Substr
from numpy.typing import NDArray

from keepwell.base.home import Home
from keepwell.facts.moment import Moment
from keepwell.facts.values import Values
from keepwell.health.health_model import HealthModel
from keepwell.health.score import Scores
from keepwell.health.weight import NANO
from keepwell.lake.evidence import newest_events, told_until
from keepwell.lake.log import EventLog
from keepwell.signals.book import SignalBook
from keepwell.signals.look import with_segments
from keepwell.signals.panel import Panel
from keepwell.store.models import Account, ModelVersion, ScoreRecord
from keepwell.store.read.dictionary import name_codes

M = TypeVar("M", bound=Model)
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
NAMED_AT_MOST: Final = 20_000


def read_panel(
    model: HealthModel, values: Values, scores: Scores, newest: Sequence[tuple[ScoreRecord, int]]
) -> tuple[Panel, Mapping[int, Account]]:
    """The panel of the accounts with these records, and their rows of the state.

    The records are as of one moment, in the order of their accounts; beside each is its row in values and scores.
    """
    bands = tuple(band.id for band in model.bands)
    place = {"": -1, **{band: number for number, band in enumerate(bands)}}
    rows = np.array([row for _, row in newest], dtype=np.intp)
    records = [record for record, _ in newest]
    accounts = Account.objects.in_bulk([record.account_id for record in records])
    told = values.matrix[rows]
    panel = Panel(
        as_of=scores.as_of,
        accounts=np.array([record.account_id for record in records], dtype=np.int64),
        bands=bands,
        has_score=np.array([bool(record.band) for record in records], dtype=np.bool_),
        nano_points=np.array([record.nano_points or 0 for record in records], dtype=np.int64),
        band=np.array([place[record.band] for record in records], dtype=np.int64),
        band_before=np.array([place.get(record.band_before, -1) for record in records], dtype=np.int64),
        raw_band=np.array([place[record.raw_band] for record in records], dtype=np.int64),
        trend=np.array([record.trend for record in records], dtype=np.object_),
        metrics={name: told[:, column] for column, name in enumerate(values.metrics)},
        traits=[accounts[record.account_id].traits for record in records],
    )
    return panel, accounts


def with_extremes(panel: Panel, book: SignalBook, version: ModelVersion, quiet_at: Mapping[int, datetime]) -> Panel:
    """The panel that also knows the highest and lowest score of the last days.

    Of this version only, and of an account in `quiet_at` only from then on.
    """
    peaks: dict[int, NDArray[np.float64]] = {}
    lows: dict[int, NDArray[np.float64]] = {}
    for days in book.score_days():
        since = panel.as_of - timedelta(days=days)
        groups: dict[datetime, list[int]] = {}
        for account in panel.accounts.tolist():
            groups.setdefault(max(since, quiet_at.get(account, since)), []).append(account)
        found: dict[int, tuple[float, float]] = {}
        for begun, accounts in groups.items():
            found.update(_extremes(version, accounts, begun, panel.as_of))
        pairs = [found.get(account, (np.nan, np.nan)) for account in panel.accounts.tolist()]
        columns = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        peaks[days], lows[days] = columns[:, 0], columns[:, 1]
    return replace(panel, peaks=peaks, lows=lows)


def _extremes(
    version: ModelVersion, accounts: Sequence[int], since: datetime, until: datetime
) -> dict[int, tuple[float, float]]:
    records = ScoreRecord.objects.filter(version=version, as_of__gte=since, as_of__lt=until).exclude(band="")
    rows = named(records, accounts).values_list("account").annotate(peak=Max("nano_points"), low=Min("nano_points"))
    found = {account: (float(peak), float(low)) for account, peak, low in rows}
    return {account: found[account] for account in accounts if account in found}


def with_heard(panel: Panel, book: SignalBook, home: Home) -> Panel:
    """The panel that also knows, where an absence has lasted long enough, how far its source has told since."""
    log, moment = EventLog(home.log), Moment.at(panel.as_of)
    heard: dict[str, NDArray[np.float64]] = {}
    until: dict[str, datetime] | None = None
    for name, absence in book.absences().items():
        rows = np.flatnonzero(panel.metric(name) >= absence.limit_days(panel))
        if not len(rows):
            continue
        accounts = panel.accounts[rows].tolist()
        newest = newest_events(log, absence.reads(), name_codes(), accounts, moment, most=1)
        if until is None:
            until = told_until(log, moment, panel.as_of - timedelta(days=absence.days))
        column = np.full(len(panel), np.nan)
        for row, account in zip(rows.tolist(), accounts, strict=True):
            told = until.get(newest[account][0].source) if account in newest else None
            if told is not None:
                column[row] = (panel.as_of - told) / timedelta(days=1)
        heard[name] = column
    return replace(panel, heard=heard)


def with_daily(panel: Panel, book: SignalBook, version: ModelVersion, quiet_at: Mapping[int, datetime]) -> Panel:
    """The panel that also knows the average score of each of the last days, of this version and since `quiet_at`."""
    found: dict[int, NDArray[np.float64]] = {}
    place = {account: row for row, account in enumerate(panel.accounts.tolist())}
    for days in book.daily_days():
        since = panel.as_of - timedelta(days=days)
        records = ScoreRecord.objects.filter(version=version, as_of__gte=since, as_of__lt=panel.as_of).exclude(band="")
        # Days of UTC, as both databases write an instant.
        day = Substr(Cast("as_of", CharField()), 1, 10)
        rows = records.annotate(day=day).values_list("account", "day").annotate(average=Avg("nano_points"))
        matrix = np.full((len(panel), days), np.nan)
        for account, told, average in rows.iterator(chunk_size=5000):
            ago = (panel.as_of.date() - date.fromisoformat(told)).days
            if account in place and 0 <= ago < days and told > f"{quiet_at.get(account, LONG_AGO):%Y-%m-%d}":
                matrix[place[account], days - 1 - ago] = average / NANO
        found[days] = matrix
    return replace(panel, daily=found)


def named(rows: QuerySet[M], accounts: Sequence[int]) -> QuerySet[M]:
    """The rows of these accounts, and perhaps of others: a list of very many would cost more than it leaves out."""
    return rows.filter(account__in=accounts) if len(accounts) <= NAMED_AT_MOST else rows


def whole_panel(
    panel: Panel,
    book: SignalBook,
    home: Home,
    version: ModelVersion,
    quiet_at: Mapping[int, datetime],
    *,
    is_full: bool,
) -> Panel:
    """Everything that the rules may ask about; what is judged once a day only in a full run."""
    if is_full:
        panel = with_daily(panel, book, version, quiet_at)
    return with_segments(book, with_heard(with_extremes(panel, book, version, quiet_at), book, home))
