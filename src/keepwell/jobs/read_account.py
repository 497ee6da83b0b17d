"""What stands behind an account's score: its measures, what changed, and the events that feed it.

Callers have checked that the member may see the account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

import yaml
from pydantic import TypeAdapter, ValidationError

from keepwell.base.home import Home
from keepwell.base.registry import OneOf
from keepwell.facts.moment import Moment
from keepwell.lake.history import LoggedEvent, reading
from keepwell.lake.history import account_events as logged_events
from keepwell.lake.log import EventLog
from keepwell.metrics.event_filter import EventFilter
from keepwell.metrics.metric import Metric
from keepwell.store.models import Contact, EventName, ModelVersion, ScoreRecord
from keepwell.store.read.dictionary import name_codes

Cause = Literal["behaviour", "data_missing", "window_ageing", "model_edit"]
EVENTS_A_PAGE = 50

_METRIC: TypeAdapter[Metric] = TypeAdapter(Annotated[Metric, OneOf("keepwell.metrics.kinds", Metric)])


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """One measure of a score, in 1e-9 points; `weight_nano` is what it weighed for this account, 0 when missing."""

    metric: str
    value: float | None
    points_nano: int
    weight_nano: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """A score and the measures whose points add up to it."""

    account_id: int
    version_id: int
    as_of: datetime
    nano_points: int | None
    band: str
    coverage: float
    trend: str
    trend_nano: int | None
    measures: tuple[MeasureLine, ...]


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
    """One event as people read it; `contact` is the contact's name or key."""

    at: datetime
    known_at: datetime
    name: str
    contact: str
    source: str
    is_imported: bool
    properties: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class EventPage:
    rows: tuple[EventRow, ...]
    total: int


def account_explanation(account_id: int, model: str, as_of: datetime) -> Explanation | None:
    """The last score until a moment, that moment included; None before the first."""
    record = (
        ScoreRecord.objects.filter(account_id=account_id, version__model=model, as_of__lte=as_of)
        .order_by("-as_of", "-pk")
        .first()
    )
    return None if record is None else _explanation(record)


def account_change(account_id: int, model: str, since: datetime, until: datetime) -> Change | None:
    """Why the score moved between two moments; None where one of them has no score."""
    before = account_explanation(account_id, model, since)
    after = account_explanation(account_id, model, until)
    if before is None or after is None or before.nano_points is None or after.nano_points is None:
        return None
    is_edited = before.version_id != after.version_id
    old = {line.metric: line for line in before.measures}
    new = {line.metric: line for line in after.measures}
    lines = [_change_line(metric, old.get(metric), new.get(metric), is_edited=is_edited) for metric in {**old, **new}]
    moved = sorted((line for line in lines if line.change_nano), key=lambda line: (-abs(line.change_nano), line.metric))
    return Change(before, after, tuple(moved))


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


def _explanation(record: ScoreRecord) -> Explanation:
    measures = tuple(
        MeasureLine(line["metric"], line["value"], line["points_nano"], line["weight_nano"]) for line in record.measures
    )
    return Explanation(
        account_id=record.account_id,
        version_id=record.version_id,
        as_of=record.as_of,
        nano_points=record.nano_points,
        band=record.band,
        coverage=record.coverage,
        trend=record.trend,
        trend_nano=record.trend_nano,
        measures=measures,
    )


def _change_line(metric: str, old: MeasureLine | None, new: MeasureLine | None, *, is_edited: bool) -> ChangeLine:
    change = (new.points_nano if new else 0) - (old.points_nano if old else 0)
    had, has = old is not None and old.value is not None, new is not None and new.value is not None
    cause: Cause = "behaviour"
    if old is None or new is None or (is_edited and old.value == new.value):
        cause = "model_edit"
    elif had != has or (old.value == new.value and old.weight_nano != new.weight_nano):
        cause = "data_missing"
    return ChangeLine(metric, cause, change, old, new)


def _filters(version_id: int, metric: str) -> Sequence[EventFilter]:
    """What a metric of a published model reads, those it takes values from included."""
    entries: dict[str, object] = {}
    version = ModelVersion.objects.get(pk=version_id)
    package = version.model.partition("/")[0]
    for path in sorted(version.text, key=lambda path: path.startswith(f"{package}/")):
        found = yaml.safe_load(version.text[path])
        if isinstance(found, dict):
            entries.update(found.get("metrics") or {})
    wanted, filters, seen = [metric], list[EventFilter](), set[str]()
    while wanted:
        name = wanted.pop()
        if name in seen or name not in entries:
            continue
        seen.add(name)
        try:
            read = _METRIC.validate_python(entries[name])
        except ValidationError:
            continue
        filters += read.reads()
        wanted += read.uses()
    return filters


def _worded(rows: Sequence[LoggedEvent]) -> tuple[EventRow, ...]:
    names = dict(EventName.objects.filter(pk__in={row.name for row in rows}).values_list("id", "name"))
    ids = {row.contact for row in rows if row.contact is not None}
    contacts = {contact.pk: str(contact) for contact in Contact.objects.filter(pk__in=ids)}
    return tuple(
        EventRow(
            at=row.at,
            known_at=row.known_at,
            name=names.get(row.name, f"#{row.name}"),
            contact=contacts.get(row.contact or 0, ""),
            source=row.source,
            is_imported=row.imported,
            properties=row.props,
        )
        for row in rows
    )
