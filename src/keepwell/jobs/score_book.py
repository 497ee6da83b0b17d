"""Writing scores down: a record for each account and moment, and the newest of them as current."""

from collections.abc import Sequence, Set
from datetime import datetime
from typing import Final

from django.db.models import Max, QuerySet

from keepwell.health.explain import ranked_losses, ranked_wins
from keepwell.health.health_model import HealthModel
from keepwell.health.held_band import HeldBand, hold_band, raw_band
from keepwell.health.score import Scores
from keepwell.health.trend import direction
from keepwell.store.models import CurrentScore, ModelVersion, ScoreRecord

ROWS_A_STATEMENT: Final = 500


class ScoreBook:
    """Collects the records of one run in the order of its moments; `write` stores them inside a transaction."""

    def __init__(
        self, version: ModelVersion, model: HealthModel, first: datetime, accounts: Sequence[int] | None
    ) -> None:
        self._version = version
        self._model = model
        self._accounts = accounts
        self._held = _held_before(self._records(), first)
        self._moments: list[datetime] = []
        self._rows: list[ScoreRecord] = []
        self._newest: list[tuple[ScoreRecord, int]] = []
        self._last: Scores | None = None
        self._is_newest = False

    def enter(self, scores: Scores, earlier: Scores, ended: Set[int]) -> int:
        """Add the records of one moment; `earlier` are the scores that the trend compares with.

        Accounts in `ended` get none. Returns how many accounts have a known score.
        """
        self._moments.append(scores.as_of)
        self._newest = []
        before = {account: row for row, account in enumerate(earlier.accounts.tolist())}
        known = 0
        for row, account in enumerate(scores.accounts.tolist()):
            if account in ended:
                self._held.pop(account, None)
                continue
            record = self._record(scores, row, account)
            self._add_trend(record, scores, row, earlier, before.get(account))
            self._rows.append(record)
            self._newest.append((record, row))
            known += int(scores.is_known[row])
        self._last = scores
        return known

    def write(self) -> None:
        """Replace the records of these moments, and the current scores unless newer ones are there.

        The newest records keep their measures; those of the past are worked out again when asked for.
        """
        if self._last is None:
            return
        self._records().filter(version=self._version, as_of__in=self._moments).delete()
        newest = self._records().aggregate(newest=Max("as_of"))["newest"]
        self._is_newest = newest is None or newest <= self._last.as_of
        if self._is_newest:
            for record, row in self._newest:
                record.measures = measure_lines(self._last, row)
        ScoreRecord.objects.bulk_create(self._rows, batch_size=ROWS_A_STATEMENT)
        if self._is_newest:
            self._write_current(self._last)

    def _write_current(self, scores: Scores) -> None:
        rows = CurrentScore.objects.filter(model=self._version.model)
        if self._accounts is not None:
            rows = rows.filter(account_id__in=self._accounts)
        rows.delete()
        newest = [row for _, row in self._newest]
        losses, wins = ranked_losses(scores).told(newest), ranked_wins(scores).told(newest)
        current = [
            CurrentScore(
                account_id=record.account_id,
                model=self._version.model,
                record=record,
                nano_points=record.nano_points,
                band=record.band,
                reasons=_listed(lost, "lost_nano"),
                strengths=_listed(won, "won_nano"),
            )
            for (record, _), lost, won in zip(self._newest, losses, wins, strict=True)
        ]
        CurrentScore.objects.bulk_create(current, batch_size=ROWS_A_STATEMENT)

    @property
    def newest(self) -> Sequence[tuple[ScoreRecord, int]]:
        """The records of the last moment in the order of accounts, each with its row in the scores."""
        return self._newest

    @property
    def is_newest(self) -> bool:
        """Whether the last moment that was entered is the newest of all; true of current scores only."""
        return self._is_newest

    def _records(self) -> QuerySet[ScoreRecord]:
        rows = ScoreRecord.objects.filter(version__model=self._version.model)
        return rows if self._accounts is None else rows.filter(account_id__in=self._accounts)

    def _record(self, scores: Scores, row: int, account: int) -> ScoreRecord:
        record = ScoreRecord(
            account_id=account,
            version=self._version,
            as_of=scores.as_of,
            coverage=float(scores.coverage[row]),
            nano_points=int(scores.nano_points[row]) if scores.is_scored[row] else None,
        )
        if not scores.is_known[row]:
            # Too little data is no band at all: it neither rises nor falls into one.
            self._held.pop(account, None)
            return record
        nano = int(scores.nano_points[row])
        held = hold_band(self._held.get(account), nano, self._model, scores.as_of)
        self._held[account] = held
        record.raw_band, record.band = raw_band(nano, self._model), held.band
        record.band_since, record.pending_since = held.since, held.pending_since
        record.band_before = held.before
        return record

    def _add_trend(self, record: ScoreRecord, scores: Scores, row: int, earlier: Scores, before: int | None) -> None:
        if before is None or not scores.is_known[row] or not earlier.is_known[before]:
            return
        record.trend_nano = int(scores.nano_points[row]) - int(earlier.nano_points[before])
        record.trend = direction(record.trend_nano, self._model.trend)


def measure_lines(scores: Scores, row: int) -> list[dict[str, object]]:
    """The measures of one account as they are kept with its newest record."""
    columns = zip(
        scores.measures,
        scores.values[row].tolist(),
        scores.contributions[row].tolist(),
        scores.weights[row].tolist(),
        strict=True,
    )
    return [
        {"metric": metric, "value": value if value == value else None, "points_nano": points, "weight_nano": weight}
        for metric, value, points, weight in columns
    ]


def _held_before(records: QuerySet[ScoreRecord], moment: datetime) -> dict[int, HeldBand]:
    """The band each account was held in by its newest record before a moment."""
    earlier = records.filter(as_of__lt=moment)
    newest = dict(earlier.values_list("account_id").annotate(newest=Max("as_of")))
    if not newest:
        return {}
    rows = earlier.filter(as_of__in=set(newest.values())).exclude(band="")
    columns = ("account_id", "as_of", "band", "band_since", "pending_since", "raw_band", "band_before")
    return {
        account: HeldBand(band, since, pending, raw, before)
        for account, as_of, band, since, pending, raw, before in rows.values_list(*columns)
        if newest[account] == as_of
    }


def _listed(told: Sequence[tuple[str, int]], key: str) -> list[dict[str, object]]:
    return [{"metric": metric, key: nano} for metric, nano in told]
