"""Scores as of a moment, and their history."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Avg, Count, QuerySet

from keepwell.health.weight import NANO
from keepwell.store.models import Account, CurrentScore, Member, ModelVersion, ScoreRecord
from keepwell.store.read.scope import sees_everything, visible_accounts

# A day with fewer records than this share of the fullest is a run over touched accounts only.
FULL_RUN_SHARE = 0.5
REACH = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """One score; `nano_points` in 1e-9 points, None when no measure had data; `band` is "" for unknown."""

    as_of: datetime
    nano_points: int | None
    band: str
    coverage: float
    version_id: int


def access_newest_as_of(member: Member, model: str) -> datetime | None:
    """The newest moment any visible account has a score of."""
    return _newest(_records_of(member, version) for version in _versions(model))


def newest_as_of() -> datetime | None:
    """The newest moment that any account has a score of, under any model."""
    return _newest(ScoreRecord.objects.filter(version=version) for version in ModelVersion.objects.all())


def aged_accounts(before: datetime, share: float) -> list[int]:
    """The accounts whose current scores are of before a moment, oldest first, up to this share of all with a score."""
    current = CurrentScore.objects.all()
    most = math.ceil(current.values("account_id").distinct().count() * share)
    aged = current.filter(record__as_of__lt=before).order_by("record__as_of")
    return list(dict.fromkeys(aged.values_list("account_id", flat=True)[:most]))


def unscored_since(moment: datetime, *, on: date) -> tuple[int, int]:
    """How many accounts that run on a day and told of an event have no score as of a moment or later, and how many run.

    Under any model; the two counts are of all accounts, so only for those who keep the installation.
    """
    running = Account.objects.filter(first_event_at__isnull=False).exclude(churned_on__lte=on)
    scored = CurrentScore.objects.filter(record__as_of__gte=moment).values("account_id")
    return running.exclude(pk__in=scored).count(), running.count()


def access_scores_at(member: Member, model: str, moment: datetime) -> dict[int, ScorePoint]:
    """The score of every account as it stood at a moment: its last one until then, since the last full run."""
    since = _full_run(member, model, moment)
    if since is None:
        return {}
    rows = (
        _records(member, model)
        .filter(as_of__gte=since, as_of__lte=moment)
        .order_by("as_of")
        .values_list("account_id", "as_of", "nano_points", "band", "coverage", "version_id")
    )
    return {row[0]: ScorePoint(*row[1:]) for row in rows.iterator(chunk_size=5000)}


def access_history(
    member: Member, model: str, accounts: Sequence[int], since: datetime, until: datetime
) -> dict[int, list[ScorePoint]]:
    """Scores of some accounts in time order, `until` included."""
    rows = (
        _records(member, model)
        .filter(account_id__in=accounts, as_of__gte=since, as_of__lte=until)
        .order_by("as_of", "pk")
        .values_list("account_id", "as_of", "nano_points", "band", "coverage", "version_id")
    )
    found: dict[int, list[ScorePoint]] = {account: [] for account in accounts}
    for row in rows:
        found[row[0]].append(ScorePoint(*row[1:]))
    return found


def access_current(member: Member, account_id: int) -> list[CurrentScore]:
    """The newest score of an account under each health model."""
    rows = CurrentScore.objects.filter(account__in=visible_accounts(member), account_id=account_id)
    return list(rows.select_related("record").order_by("model"))


def access_averages(
    member: Member, model: str, since: datetime, until: datetime, most: int
) -> list[tuple[datetime, float]]:
    """Average score in points of at most `most` full runs, evenly taken from a stretch, the last one included."""
    records = _records(member, model).filter(as_of__gte=since, as_of__lte=until)
    runs = list(records.values_list("as_of").annotate(count=Count("pk")).order_by("as_of"))
    fullest = max((count for _, count in runs), default=0)
    full = [as_of for as_of, count in runs if count >= FULL_RUN_SHARE * fullest]
    step = -(-len(full) // most) if full else 1
    taken = full[::-1][::step][::-1]
    rows = records.filter(as_of__in=taken, nano_points__isnull=False).values_list("as_of")
    return [(as_of, average / NANO) for as_of, average in rows.annotate(average=Avg("nano_points")).order_by("as_of")]


def _newest(of_versions: Iterable[QuerySet[ScoreRecord]]) -> datetime | None:
    # One look at the end of the index per version; a maximum over all of them would read the whole history.
    newest = [rows.order_by("-as_of").values_list("as_of", flat=True).first() for rows in of_versions]
    return max((as_of for as_of in newest if as_of is not None), default=None)


def _versions(model: str) -> list[int]:
    return list(ModelVersion.objects.filter(model=model).values_list("pk", flat=True))


def _records(member: Member, model: str) -> QuerySet[ScoreRecord]:
    records = ScoreRecord.objects.filter(version__in=_versions(model))
    return records if sees_everything(member) else records.filter(account__in=visible_accounts(member))


def _records_of(member: Member, version_id: int) -> QuerySet[ScoreRecord]:
    records = ScoreRecord.objects.filter(version=version_id)
    return records if sees_everything(member) else records.filter(account__in=visible_accounts(member))


def _full_run(member: Member, model: str, moment: datetime) -> datetime | None:
    """The last moment until `moment` at which most accounts were scored."""
    records = _records(member, model).filter(as_of__lte=moment)
    newest = records.order_by("-as_of").values_list("as_of", flat=True).first()
    if newest is None:
        return None
    runs = list(
        records.filter(as_of__gte=newest - REACH).values_list("as_of").annotate(count=Count("pk")).order_by("-as_of")
    )
    fullest = max(count for _, count in runs)
    full: datetime = next(as_of for as_of, count in runs if count >= FULL_RUN_SHARE * fullest)
    return full
