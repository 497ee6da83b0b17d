"""What stands behind an account's score: its measures, what changed, and the events that feed it.

Callers have checked that the member may see the account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keepwell.base.home import Home
from keepwell.facts.moment import Moment
from keepwell.health.change import Cause
from keepwell.health.explain import Reason, key_risks, key_strengths
from keepwell.jobs.account_score import causes_of_change, score_again
from keepwell.jobs.score_book import measure_lines
from keepwell.lake.duckdb_engine import embedded_engine
from keepwell.lake.history import LoggedEvent, reading
from keepwell.lake.history import account_events as logged_events
from keepwell.lake.log import EventLog
from keepwell.lake.meaning import IGNORED
from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.metric import with_used
from keepwell.store.models import Contact, CurrentScore, EventName, ModelVersion, ScoreRecord
from keepwell.store.read.dictionary import name_codes
from keepwell.store.read.package import package_of

EVENTS_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """One measure of a score, in 1e-9 points; `weight_nano` is what it weighed for this account, 0 when missing."""

    metric: str
    value: float | None
    points_nano: int
    weight_nano: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """A score, the measures whose points add up to it, and those that cost and won most."""

    account_id: int
    version_id: int
    as_of: datetime
    nano_points: int | None
    band: str
    coverage: float
    trend: str
    trend_nano: int | None
    measures: tuple[MeasureLine, ...]
    risks: tuple[Reason, ...]
    strengths: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """What one measure, for one cause, added to the change of the score."""

    metric: str
    cause: Cause
    change_nano: int
    before: MeasureLine | None
    after: MeasureLine | None


@dataclass(frozen=True, slots=True)
class Change:
    """Two scores and the lines that add up to their difference, largest first."""

    before: Explanation
    after: Explanation
    lines: tuple[ChangeLine, ...]

    @property
    def change_nano(self) -> int:
        return (self.after.nano_points or 0) - (self.before.nano_points or 0)


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event as people read it; `contact` is the contact's name or key.

    `sent_as` is the name it was sent under where that is another one; an event that is ignored has that name only.
    """

    at: datetime
    known_at: datetime
    name: str
    contact: str
    source: str
    is_imported: bool
    properties: Mapping[str, object]
    sent_as: str = ""


@dataclass(frozen=True, slots=True)
class EventPage:
    rows: tuple[EventRow, ...]
    total: int


def account_explanation(home: Home, account_id: int, model: str, as_of: datetime) -> Explanation | None:
    """The last score until a moment, that moment included; None before the first."""
    record = _record(account_id, model, as_of)
    return None if record is None else _explanation(home, record)


def account_change(home: Home, account_id: int, model: str, since: datetime, until: datetime) -> Change | None:
    """Why the score moved between two moments; None where one of them has no score."""
    first, last = _record(account_id, model, since), _record(account_id, model, until)
    if first is None or last is None or first.nano_points is None or last.nano_points is None:
        return None
    before, after = _explanation(home, first), _explanation(home, last)
    causes = causes_of_change(
        home, embedded_engine(), account_id, (first.version, first.as_of), (last.version, last.as_of)
    )
    old = {line.metric: line for line in before.measures}
    new = {line.metric: line for line in after.measures}
    lines = [
        ChangeLine(cause.metric, cause.cause, cause.nano, old.get(cause.metric), new.get(cause.metric))
        for cause in causes
    ]
    return Change(before, after, tuple(lines))


def account_events(
    home: Home, account_id: int, *, version_id: int, metric: str | None, days: int | None, as_of: datetime, page: int
) -> EventPage:
    """Events of an account known at a moment, newest first: all, or those that one metric reads.

    `days` keeps the events of that many days before `as_of`; pages count from 1.
    """
    log = EventLog(home.log)
    where = "TRUE"
    if metric is not None:
        filters = _filters(version_id, metric)
        if not filters:
            return EventPage((), 0)
        where = reading(log, filters, name_codes())
    rows, total = logged_events(
        log,
        account_id,
        Moment.at(as_of),
        where=where,
        since=as_of - timedelta(days=days) if days else None,
        limit=EVENTS_A_PAGE,
        offset=(page - 1) * EVENTS_A_PAGE,
    )
    return EventPage(_worded(rows), total)


def _record(account_id: int, model: str, until: datetime) -> ScoreRecord | None:
    rows = ScoreRecord.objects.filter(account_id=account_id, version__model=model, as_of__lte=until)
    return rows.select_related("version").order_by("-as_of", "-pk").first()


def _explanation(home: Home, record: ScoreRecord) -> Explanation:
    current = CurrentScore.objects.filter(record=record).first()
    if current is not None and record.measures:
        lines = record.measures
        risks = tuple(Reason(told["metric"], told["lost_nano"]) for told in current.reasons)
        strengths = tuple(Reason(told["metric"], told["won_nano"]) for told in current.strengths)
    else:
        # Only the newest records keep their measures; the log still has what the others were made of.
        scores = score_again(home, embedded_engine(), record.version, record.account_id, record.as_of)
        row = scores.row(record.account_id)
        lines = record.measures or ([] if row is None else measure_lines(scores, row))
        risks = () if row is None else key_risks(scores, row)
        strengths = () if row is None else key_strengths(scores, row)
    return Explanation(
        account_id=record.account_id,
        version_id=record.version_id,
        as_of=record.as_of,
        nano_points=record.nano_points,
        band=record.band,
        coverage=record.coverage,
        trend=record.trend,
        trend_nano=record.trend_nano,
        measures=tuple(MeasureLine(**line) for line in lines),
        risks=risks,
        strengths=strengths,
    )


def _filters(version_id: int, metric: str) -> Sequence[EventFilter]:
    """What a metric of a published model reads, those it takes values from included."""
    version = ModelVersion.objects.filter(pk=version_id).first()
    metrics = package_of(version).metrics if version else {}
    return [read for found in with_used([metric], metrics).values() for read in found.reads()]


def _worded(rows: Sequence[LoggedEvent]) -> tuple[EventRow, ...]:
    codes = {row.name for row in rows} | {row.sent_name for row in rows if row.sent_name is not None}
    names = dict(EventName.objects.filter(pk__in=codes).values_list("id", "name"))
    ids = {row.contact for row in rows if row.contact is not None}
    contacts = {contact.pk: str(contact) for contact in Contact.objects.filter(pk__in=ids)}
    return tuple(
        EventRow(
            at=row.at,
            known_at=row.known_at,
            name="ignored" if row.name == IGNORED else names.get(row.name, f"#{row.name}"),
            contact=contacts.get(row.contact or 0, ""),
            source=row.source,
            is_imported=row.imported,
            properties=row.props,
            sent_as=names.get(row.sent_name or 0, ""),
        )
        for row in rows
    )
