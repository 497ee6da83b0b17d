"""What an expert is told of an account, and the diagnosis that it writes for a task, once."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, cast

from django.db import transaction
from django.db.models import QuerySet

from keepwell.base.errors import BugError
from keepwell.base.home import Home
from keepwell.facts.moment import Moment
from keepwell.facts.notice import SEVERITIES, Severity
from keepwell.jobs.audit import record_act
from keepwell.jobs.enrolment_state import read_calendar
from keepwell.jobs.read_account import (
    Change,
    ChangeLine,
    Explanation,
    account_change,
    account_events,
    account_explanation,
)
from keepwell.jobs.update_rows import update_rows
from keepwell.lake.engine import Engine, Question
from keepwell.lake.log import EventLog
from keepwell.metrics.kinds.open_items import OpenItems
from keepwell.metrics.metric import Metric, with_used
from keepwell.playbooks.expert import Figure, Grounds, Loss, OpenAlert, Sample, ScoreGrounds, experts
from keepwell.signals.sentence import evidence_sentence
from keepwell.store.models import Alert, EnrolmentRecord, ModelVersion, ScoreRecord, Task
from keepwell.store.read.dictionary import name_codes
from keepwell.store.read.evidence import lines_of
from keepwell.store.read.package import model_of, package_of, playbooks_of, signals_of

BY: Final = "worker"
# One takes a second or two.
A_TURN: Final = 1
COMPARED_WITH: Final = timedelta(days=30)
LOSSES: Final = 5
_log = logging.getLogger(__name__)


def undiagnosed() -> QuerySet[Task]:
    """Tasks that wait for what an expert says."""
    joined = ("enrolment__version", "enrolment__account")
    return Task.objects.filter(written_at=None).exclude(expert="").select_related(*joined).order_by("pk")


def do_write_diagnoses(home: Home, engine: Engine, *, now: datetime) -> int:
    """Have experts write what tasks wait for, each once; returns how many were written.

    Experts are asked outside of the transaction, so that nobody waits for them.
    """
    told = {task.pk: _told(home, engine, task, now) for task in undiagnosed()[:A_TURN]}
    if not told:
        return 0
    with transaction.atomic():
        tasks = list(Task.objects.filter(pk__in=told, written_at=None).select_for_update())
        for task in tasks:
            task.document, task.written_at = told[task.pk], now
        update_rows(tasks, ["document", "written_at"])
        record_act("diagnoses_written", "tasks", {"tasks": [task.pk for task in tasks]}, by=BY, now=now)
    return len(told)


def _told(home: Home, engine: Engine, task: Task, now: datetime) -> str:
    if task.enrolment is None:
        raise BugError("A task without an enrolment asks an expert.")
    return diagnosis(home, engine, task.enrolment, task.expert, _metrics_of(task.enrolment, task.step), now)


def diagnosis(
    home: Home, engine: Engine, record: EnrolmentRecord, expert: str, metrics: Sequence[str], now: datetime
) -> str:
    """What an expert says of the account of an enrolment, from what is known now."""
    if expert not in experts():
        return f"There is no expert '{expert}' any more, so nothing was written."
    grounds = _grounds(home, engine, record, metrics, now)
    try:
        return experts()[expert]().diagnosis(grounds)
    except Exception as error:  # noqa: BLE001  an expert that somebody added holds up nobody else's tasks
        _log.error("The expert %s failed with %s", expert, type(error).__name__)
        return f"The expert '{expert}' failed ({type(error).__name__}), so nothing was written."


def _metrics_of(record: EnrolmentRecord, name: str) -> Sequence[str]:
    steps = playbooks_of(record.version).playbooks[record.playbook].steps
    return next((step.metric_ids() for step in steps if step.id == name), ())


def _grounds(home: Home, engine: Engine, record: EnrolmentRecord, metrics: Sequence[str], now: datetime) -> Grounds:
    version, account = record.version, record.account_id
    package = package_of(version)
    opened = [name for name, metric in package.metrics.items() if isinstance(metric, OpenItems)]
    asked = list(dict.fromkeys([*metrics, *opened]))
    return Grounds(
        account=str(record.account),
        as_of=now,
        calendar=read_calendar(record.team_calendar),
        score=_score(home, version, account, now),
        alerts=_alerts(account),
        figures=_figures(home, engine, version, asked, account, now),
    )


def _score(home: Home, version: ModelVersion, account: int, now: datetime) -> ScoreGrounds | None:
    found = account_explanation(home, account, version.model, now)
    if found is None:
        return None
    record = ScoreRecord.objects.filter(account=account, version=found.version_id, as_of=found.as_of).first()
    change = _change(home, version, account, found)
    package, model = model_of(version)
    labels = {band.id: band.label for band in model.bands}
    return ScoreGrounds(
        as_of=found.as_of,
        nano_points=found.nano_points,
        band=labels.get(found.band, found.band),
        band_since=record.band_since if record is not None else None,
        coverage=found.coverage,
        losses=tuple(_losses(home, found, change, package.metrics, now)),
        missing=tuple(_title(package.metrics, line.metric) for line in found.measures if line.value is None),
        compared_at=change.before.as_of if change is not None else None,
        nano_points_before=change.before.nano_points if change is not None else None,
    )


def _change(home: Home, version: ModelVersion, account: int, found: Explanation) -> Change | None:
    """Against 30 days before, or the first score where that is later."""
    records = ScoreRecord.objects.filter(account=account, version__model=version.model, nano_points__isnull=False)
    first = records.order_by("as_of").values_list("as_of", flat=True).first()
    since = max(found.as_of - COMPARED_WITH, first) if first is not None else found.as_of
    return account_change(home, account, version.model, since, found.as_of) if since < found.as_of else None


def _losses(
    home: Home, found: Explanation, change: Change | None, metrics: Mapping[str, Metric], now: datetime
) -> list[Loss]:
    lines = {line.metric: line for line in found.measures}
    earlier = {line.metric: line for line in change.before.measures} if change is not None else {}
    moved: dict[str, list[ChangeLine]] = {}
    for one in change.lines if change is not None else ():
        moved.setdefault(one.metric, []).append(one)
    losses = []
    for reason in found.risks[:LOSSES]:
        line, parts = lines[reason.metric], moved.get(reason.metric, [])
        before = earlier.get(reason.metric)
        losses.append(
            Loss(
                title=_title(metrics, reason.metric),
                unit=metrics[reason.metric].unit if reason.metric in metrics else "number",
                value=line.value,
                weight_nano=line.weight_nano,
                lost_nano=reason.nano,
                sample=_sample(home, found.account_id, found.version_id, metrics, reason.metric, now),
                value_before=before.value if before is not None else None,
                change_nano=sum(part.change_nano for part in parts) if change is not None else None,
                causes=tuple((part.cause, part.change_nano) for part in parts),
            )
        )
    return losses


def _alerts(account: int) -> tuple[OpenAlert, ...]:
    rows = Alert.objects.filter(account=account, closed_at=None).select_related("version")
    ordered = sorted(rows, key=lambda one: (SEVERITIES.index(cast("Severity", one.severity)), one.opened_at))
    return tuple(_alert(one) for one in ordered)


def _alert(alert: Alert) -> OpenAlert:
    units: Mapping[str, str] = {}
    action = ""
    if alert.version is not None:
        units = {name: metric.unit for name, metric in package_of(alert.version).metrics.items()}
        rule = signals_of(alert.version).alerts.get(alert.rule)
        action = rule.action if rule is not None else ""
    return OpenAlert(
        title=alert.title,
        severity=cast("Severity", alert.severity),
        opened_at=alert.opened_at,
        sentence=evidence_sentence(lines_of(alert), units),
        action=action,
    )


def _figures(
    home: Home, engine: Engine, version: ModelVersion, names: Sequence[str], account: int, now: datetime
) -> tuple[Figure, ...]:
    known = package_of(version).metrics
    wanted = dict.fromkeys(name for name in names if name in known)
    if not wanted:
        return ()
    question = Question(with_used(wanted, known), name_codes(), [Moment.at(now)], [account])
    (values,) = engine.values(EventLog(home.log), question)
    rows = values.accounts.tolist()
    found = []
    for name in wanted:
        told = float(values.matrix[rows.index(account), values.metrics.index(name)]) if account in rows else None
        found.append(
            Figure(
                title=known[name].title,
                unit=known[name].unit,
                value=told if told is not None and told == told else None,
                sample=_sample(home, account, version.pk, known, name, now),
            )
        )
    return tuple(found)


def _sample(
    home: Home, account: int, version: int, metrics: Mapping[str, Metric], metric: str, now: datetime
) -> Sample:
    days = _days(metrics, metric)
    page = account_events(home, account, version_id=version, metric=metric, days=days, as_of=now, page=1)
    newest = page.rows[0] if page.rows else None
    return Sample(
        events=page.total,
        days=days,
        newest=newest.name if newest is not None else "",
        newest_at=newest.at if newest is not None else None,
    )


def _days(metrics: Mapping[str, Metric], name: str) -> int | None:
    """How far back a metric reads: the longest period that it or what it takes values from names."""
    found = (getattr(metric, "days", None) for metric in with_used([name], metrics).values())
    return max((days for days in found if isinstance(days, int)), default=None)


def _title(metrics: Mapping[str, Metric], name: str) -> str:
    return metrics[name].title if name in metrics else name
