"""From scores, values and the state to the panel that rules are asked about."""

from collections.abc import Iterator, Mapping, Sequence, Set
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
from keepwell.lake.evidence import newest_events, newest_sources, told_until
from keepwell.lake.log import EventLog
from keepwell.signals.book import SignalBook
from keepwell.signals.episode import Episode
from keepwell.signals.look import Place, with_segments
from keepwell.signals.panel import Panel
from keepwell.store.models import Account, ModelVersion, ScoreRecord
from keepwell.store.read.dictionary import name_codes

M = TypeVar("M", bound=Model)
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
NAMED_AT_MOST: Final = 20_000
# Databases bound how many values a statement may hold.
IN_A_STATEMENT: Final = 5_000
# Fewer accounts than these are not worth a question of their own.
POOLED_BELOW: Final = 100
# What happened longer than this before the last look is no news, however late it came in.
NEWS: Final = timedelta(days=1)


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


def with_extremes(panel: Panel, book: SignalBook, version: ModelVersion, reach: Mapping[int, datetime]) -> Panel:
    """The panel that also knows the highest and lowest score of the last days.

    Of this version only, and of an account in `reach` only from then on.
    """
    peaks: dict[int, NDArray[np.float64]] = {}
    lows: dict[int, NDArray[np.float64]] = {}
    for days in book.score_days():
        since = panel.as_of - timedelta(days=days)
        groups: dict[datetime, list[int]] = {}
        for account in panel.accounts.tolist():
            groups.setdefault(max(since, reach.get(account, since)), []).append(account)
        found: dict[int, tuple[float, float]] = {}
        for begun, accounts in _pooled(groups, found, version, panel.as_of):
            found.update(_extremes(version, accounts, begun, panel.as_of))
        pairs = [found.get(account, (np.nan, np.nan)) for account in panel.accounts.tolist()]
        columns = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        peaks[days], lows[days] = columns[:, 0], columns[:, 1]
    return replace(panel, peaks=peaks, lows=lows)


def muted_peaks(
    panel: Panel,
    book: SignalBook,
    version: ModelVersion,
    before: Mapping[Place, Episode],
    reach: Mapping[int, datetime],
) -> dict[Place, float]:
    """The highest score since an episode was muted, where the panel's peaks reach further back than that.

    What somebody closed because they knew of the fall is not grave again by the same fall.
    """
    rules = {(noun, name): book.policy(noun, rule).fast for noun, name, rule in book.rules()}
    found: dict[Place, float] = {}
    for place, episode in before.items():
        fast = rules.get(place[1:])
        if episode.phase != "muted" or fast is None:
            continue
        begun = max(panel.as_of - timedelta(days=fast.days), reach.get(place[0], episode.since))
        if episode.since <= begun:
            continue
        records = ScoreRecord.objects.filter(version=version, account=place[0], as_of__lt=panel.as_of).exclude(band="")
        newest = records.filter(as_of__lte=episode.since).order_by("-as_of").values_list("nano_points", flat=True)[:1]
        since = records.filter(as_of__gt=episode.since).values_list("nano_points", flat=True)
        found[place] = max((float(nano or 0) for nano in (*newest, *since)), default=np.nan)
    return found


def _pooled(
    groups: Mapping[datetime, list[int]],
    found: dict[int, tuple[float, float]],
    version: ModelVersion,
    until: datetime,
) -> Iterator[tuple[datetime, list[int]]]:
    """The groups that are worth a question of their own; the others are answered together, into `found`."""
    begun = {account: since for since, some in groups.items() if len(some) < POOLED_BELOW for account in some}
    yield from ((since, some) for since, some in groups.items() if len(some) >= POOLED_BELOW)
    for some in in_statements(sorted(begun)):
        records = ScoreRecord.objects.filter(
            version=version, account__in=some, as_of__gte=min(begun[one] for one in some), as_of__lt=until
        ).exclude(band="")
        for account, as_of, nano in records.values_list("account_id", "as_of", "nano_points"):
            if as_of >= begun[account]:
                points = float(nano or 0)
                high, low = found.get(account, (points, points))
                found[account] = (max(high, points), min(low, points))


def _extremes(
    version: ModelVersion, accounts: Sequence[int], since: datetime, until: datetime
) -> dict[int, tuple[float, float]]:
    records = ScoreRecord.objects.filter(version=version, as_of__gte=since, as_of__lt=until).exclude(band="")
    rows = named(records, accounts).values_list("account").annotate(peak=Max("nano_points"), low=Min("nano_points"))
    wanted = set(accounts)
    return {account: (float(peak), float(low)) for account, peak, low in rows if account in wanted}


def with_news(panel: Panel, book: SignalBook, home: Home, last: Mapping[int, datetime]) -> Panel:
    """The panel that also knows where an event that a rule asks for came in live since the last look.

    Of the rows in `last` only, which holds when each was last looked at, and of events that happened not long before.
    """
    news: dict[str, NDArray[np.bool_]] = {}
    log, moment = EventLog(home.log), Moment.at(panel.as_of)
    for name, happening in book.happenings().items():
        ages = panel.metric(name)
        rows = [row for row, at in last.items() if ages[row] <= (panel.as_of - at + NEWS) / timedelta(days=1)]
        if not rows:
            continue
        accounts = panel.accounts[rows].tolist()
        newest = newest_events(log, happening.reads(), name_codes(), accounts, moment, most=1)
        column = np.zeros(len(panel), dtype=np.bool_)
        for row, account in zip(rows, accounts, strict=True):
            event = newest[account][0] if account in newest else None
            column[row] = event is not None and not event.is_imported and event.known_at >= last[row]
        news[name] = column
    return replace(panel, news=news)


def with_heard(panel: Panel, book: SignalBook, home: Home, settled: Mapping[str, Set[int]]) -> Panel:
    """The panel that also knows, where an absence has lasted long enough, how far its source has told since.

    `settled` are accounts, by absence, at which the answer would change nothing.
    """
    log, moment = EventLog(home.log), Moment.at(panel.as_of)
    absences = book.absences()
    rows: dict[str, list[int]] = {}
    for name, absence in absences.items():
        is_long = panel.metric(name) >= absence.limit_days(panel)
        found = np.flatnonzero(is_long & ~np.isin(panel.accounts, list(settled.get(name, ()))))
        if len(found):
            rows[name] = found.tolist()
    if not rows:
        return panel
    accounts = panel.accounts[sorted({row for some in rows.values() for row in some})].tolist()
    sources = newest_sources(log, {name: absences[name].reads() for name in rows}, name_codes(), accounts, moment)
    until = told_until(log, moment, panel.as_of - timedelta(days=max(absences[name].days for name in rows)))
    heard: dict[str, NDArray[np.float64]] = {}
    for name, asked in rows.items():
        column = np.full(len(panel), np.nan)
        for row, account in zip(asked, panel.accounts[asked].tolist(), strict=True):
            told = until.get(sources[name].get(account, ""))
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


def in_statements(accounts: Sequence[int]) -> Iterator[Sequence[int]]:
    """The accounts in parts that a statement may name."""
    return (accounts[start : start + IN_A_STATEMENT] for start in range(0, len(accounts), IN_A_STATEMENT))


def whole_panel(
    panel: Panel,
    book: SignalBook,
    home: Home,
    version: ModelVersion,
    reach: Mapping[int, datetime],
    settled: Mapping[str, Set[int]],
    *,
    is_full: bool,
) -> Panel:
    """Everything that the rules may ask about, but for what is news; what is judged once a day only in a full run."""
    if is_full:
        panel = with_daily(panel, book, version, reach)
    return with_segments(book, with_heard(with_extremes(panel, book, version, reach), book, home, settled))
