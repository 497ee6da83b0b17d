"""Writing scores down: a record for each account and moment, and the newest of them as current."""

from collections.abc import Sequence, Set
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db.models import Max, Model, OuterRef, Q, QuerySet, Subquery

from keepwell.health.explain import ranked_losses, ranked_wins
from keepwell.health.health_model import HealthModel
from keepwell.health.held_band import HeldBand, hold_band, raw_band
from keepwell.health.score import Scores
from keepwell.health.trend import direction
from keepwell.jobs.earlier import Earlier
from keepwell.jobs.update_rows import update_rows
from keepwell.store.claim import take_turn
from keepwell.store.listed import listed
from keepwell.store.models import Account, CurrentScore, ModelVersion, ScoreRecord

ROWS_A_STATEMENT: Final = 500
RECORD_COLUMNS: Final = tuple(field.name for field in ScoreRecord._meta.concrete_fields if not field.primary_key)  # noqa: SLF001
CURRENT_COLUMNS: Final = ("record", "nano_points", "band", "reasons", "strengths")
# An account without news is scored again within the hour; whatever is older was left there by an earlier band.
AGED_KEPT: Final = timedelta(days=2)
# Any number that no other lock of the database has.
SCORES_TURN: Final = 7_234_002
Row = TypeVar("Row", bound=Model)


class ScoreBook:
    """Collects the records of one run in the order of its moments; `write` stores them inside a transaction."""

    def __init__(
        self,
        version: ModelVersion,
        model: HealthModel,
        first: datetime,
        accounts: Sequence[int] | None,
        aged: Set[int] | None = None,
    ) -> None:
        """`aged` are, in a live turn, the accounts that are scored for the age of their scores; others have news."""
        self._version = version
        self._model = model
        self._accounts = accounts
        self._aged = aged
        self._held = _held_before(version.model, first, accounts)
        self._later = self._records().filter(as_of__gt=first).aggregate(newest=Max("as_of"))["newest"]
        self._moments: list[datetime] = []
        self._rows: list[ScoreRecord] = []
        self._newest: list[tuple[ScoreRecord, int]] = []
        self._last: Scores | None = None
        self._overtaken: set[int] = set()
        self._is_newest = False

    def enter(self, scores: Scores, earlier: Earlier, ended: Set[int]) -> int:
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
        take_turn(SCORES_TURN)
        self._records().filter(version=self._version, as_of__in=self._moments).delete()
        self._is_newest = self._later is None or self._later <= self._last.as_of
        if self._is_newest:
            # Another process may have scored some of them as of a later moment meanwhile.
            scored = self._records().filter(as_of__gt=self._last.as_of).values_list("account_id", flat=True)
            self._overtaken = set(scored)
            self._newest = [(record, row) for record, row in self._newest if record.account_id not in self._overtaken]
            for record, row in self._newest:
                record.measures = measure_lines(self._last, row)
        over = self._places(self._aged, self._last.as_of) if self._is_newest and self._aged is not None else {}
        for record, _ in self._newest if over else ():
            record.pk = over.get(record.account_id)
        update_rows((record for record in self._rows if record.account_id in over), RECORD_COLUMNS)
        new = [record for record in self._rows if record.account_id not in over]
        ScoreRecord.objects.bulk_create(new, batch_size=ROWS_A_STATEMENT)
        if self._is_newest:
            self._write_current(self._last)

    def _places(self, aged: Set[int], now: datetime) -> dict[int, int]:
        """By account the record that the one of now is written over; any moment can be scored again.

        Of the records that news made within one hour the newest stays, of those that age made the newest of all, unless
        the band changed.
        """
        bands = {record.account_id: record.band for record, _ in self._newest}
        hour = now.replace(minute=0, second=0, microsecond=0)
        news = Q(occasion__in=("news", "age"), as_of__gte=hour, account_id__in=listed(bands.keys() - aged))
        silent = Q(occasion="age", as_of__gte=now - AGED_KEPT, account_id__in=listed(bands.keys() & aged))
        # Sorted here: for a database asked to sort, reading the moments of everybody looks cheaper.
        earlier = ScoreRecord.objects.filter(version=self._version, as_of__lt=now)
        told = earlier.values_list("as_of", "account_id", "pk", "band")
        found = [record for which in (news, silent) for record in sorted(told.filter(which))]
        return {account: pk for _, account, pk, band in found if bands[account] == band}

    def _write_current(self, scores: Scores) -> None:
        before = self._replaced(CurrentScore.objects.filter(model=self._version.model))
        known = dict(before.values_list("account_id", "pk"))
        newest = [row for _, row in self._newest]
        losses, wins = ranked_losses(scores).told(newest), ranked_wins(scores).told(newest)
        current = [
            CurrentScore(
                pk=known.get(record.account_id),
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
        gone = known.keys() - {row.account_id for row in current}
        CurrentScore.objects.filter(pk__in=listed(known[account] for account in gone)).delete()
        update_rows((row for row in current if row.account_id in known), CURRENT_COLUMNS)
        new = [row for row in current if row.account_id not in known]
        CurrentScore.objects.bulk_create(new, batch_size=ROWS_A_STATEMENT)

    @property
    def entered(self) -> Sequence[tuple[ScoreRecord, int]]:
        """The records of the last moment that was entered, written or not, each with its row in the scores."""
        return self._newest

    @property
    def newest(self) -> Sequence[tuple[ScoreRecord, int]]:
        """The records that were made current, in the order of accounts, each with its row in the scores."""
        return self._newest if self._is_newest else ()

    @property
    def is_newest(self) -> bool:
        """Whether the last moment that was entered is the newest of all; only then are current scores written."""
        return self._is_newest

    def _replaced(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Of these rows those that the newest records of this run stand for."""
        rows = rows if self._accounts is None else rows.filter(account_id__in=listed(self._accounts))
        return rows.exclude(account_id__in=listed(self._overtaken)) if self._overtaken else rows

    def _records(self) -> QuerySet[ScoreRecord]:
        rows = ScoreRecord.objects.filter(version__model=self._version.model)
        return rows if self._accounts is None else rows.filter(account_id__in=listed(self._accounts))

    def _record(self, scores: Scores, row: int, account: int) -> ScoreRecord:
        record = ScoreRecord(
            account_id=account,
            version=self._version,
            as_of=scores.as_of,
            occasion="asked" if self._aged is None else "age" if account in self._aged else "news",
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

    def _add_trend(self, record: ScoreRecord, scores: Scores, row: int, earlier: Earlier, before: int | None) -> None:
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


def _held_before(model: str, moment: datetime, accounts: Sequence[int] | None) -> dict[int, HeldBand]:
    """The band each account was held in by its newest record before a moment."""
    asked = Account.objects.all() if accounts is None else Account.objects.filter(pk__in=listed(accounts))
    newest: dict[int, ScoreRecord] = {}
    for version in ModelVersion.objects.filter(model=model):
        # A look into the index per account; a maximum would read the whole history of each.
        earlier = ScoreRecord.objects.filter(account=OuterRef("pk"), version=version, as_of__lt=moment)
        last = asked.values_list(Subquery(earlier.order_by("-as_of").values("pk")[:1]))
        for record in ScoreRecord.objects.filter(pk__in=last).defer("measures"):
            found = newest.get(record.account_id)
            if found is None or found.as_of <= record.as_of:
                newest[record.account_id] = record
    return {
        account: HeldBand(record.band, record.band_since, record.pending_since, record.raw_band, record.band_before)
        for account, record in newest.items()
        if record.band and record.band_since
    }


def _listed(told: Sequence[tuple[str, int]], key: str) -> list[dict[str, object]]:
    return [{"metric": metric, key: nano} for metric, nano in told]
