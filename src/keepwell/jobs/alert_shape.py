"""Alerts as programs read them, the same by the command line and by HTTP. Moments are in UTC."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from keepwell.signals.condition import Line
from keepwell.signals.sentence import limit_words, unit_of, value_words
from keepwell.store.models import Account, Alert, Member
from keepwell.store.read.alert import AlertState, alert_state, is_overdue
from keepwell.store.read.evidence import EventBehind, access_faces, events_of, lines_of, sentence_of
from keepwell.store.read.health_model import ModelFace
from keepwell.store.read.response import clocks_of


class PublicShape(BaseModel):
    model_config = ConfigDict(frozen=True)


class AccountOfSignal(PublicShape):
    id: int
    key: str
    name: str


class NumberShape(PublicShape):
    """One number behind a signal, when it opened; `text` and `limit` are in words, with the unit."""

    label: str
    value: float | str | None
    unit: str
    text: str
    limit: str


class EventShape(PublicShape):
    name: str
    at: datetime
    source: str
    message_id: str
    properties: Mapping[str, object]


class ClockShape(PublicShape):
    """Seconds; null where it has not come to that. `response` ends with the first contact or acknowledgement."""

    detection: float | None
    opening: float | None
    first_contact: float | None
    acknowledgement: float | None
    response: float | None


class AlertShape(PublicShape):
    """`account` is null for an alert about a source. `closed_by` is "" where it closed by itself.

    `sentence` tells the numbers, `action` what the rule's author would do. Put aside: until `put_aside_until`, or
    `until_it_changes`. `respond_by` is when the first contact is due.
    """

    id: int
    state: AlertState
    package: str
    rule: str
    title: str
    severity: str
    account: AccountOfSignal | None
    source: str | None
    sentence: str
    action: str
    happened_at: datetime
    detected_at: datetime
    opened_at: datetime
    respond_by: datetime | None
    is_overdue: bool
    is_known_late: bool
    first_contact_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    assignee: str | None
    put_aside_until: datetime | None
    until_it_changes: bool
    closed_at: datetime | None
    closed_by: str
    close_reason: str
    note: str
    score: float | None
    band: str
    numbers: list[NumberShape]
    events: list[EventShape]
    seconds: ClockShape


def alert_shapes(member: Member, alerts: Sequence[Alert], *, now: datetime) -> list[AlertShape]:
    faces = access_faces(member, (alert.version_id for alert in alerts))
    return [_alert_shape(alert, faces.get(alert.version_id), now) for alert in alerts]


def alert_action(alert: Alert, face: ModelFace | None) -> str:
    """What the author of the rule would do; "" where the rule does not say."""
    rule = face.signals.alerts.get(alert.rule) if face is not None and face.signals is not None else None
    return rule.action if rule is not None else ""


def account_of(account: Account) -> AccountOfSignal:
    return AccountOfSignal(id=account.pk, key=account.key, name=account.name)


def number_shapes(lines: Sequence[Line], face: ModelFace | None) -> list[NumberShape]:
    units = face.units if face else {}
    return [
        NumberShape(
            label=line.label,
            value=line.value,
            unit=unit_of(line, units),
            text=value_words(line, units),
            limit=limit_words(line, units),
        )
        for line in lines
    ]


def event_shapes(events: Sequence[EventBehind]) -> list[EventShape]:
    return [
        EventShape(name=one.name, at=one.at, source=one.source, message_id=one.message_id, properties=one.properties)
        for one in events
    ]


def _alert_shape(alert: Alert, face: ModelFace | None, now: datetime) -> AlertShape:
    clocks = clocks_of(alert)
    return AlertShape(
        id=alert.pk,
        state=alert_state(alert, now),
        package=alert.package,
        rule=alert.rule,
        title=alert.title,
        severity=alert.severity,
        account=account_of(alert.account) if alert.account else None,
        source=alert.source.name if alert.source else None,
        sentence=sentence_of(alert, face),
        action=alert_action(alert, face),
        happened_at=alert.happened_at,
        detected_at=alert.detected_at,
        opened_at=alert.opened_at,
        respond_by=alert.respond_by,
        is_overdue=is_overdue(alert, now),
        is_known_late=alert.is_known_late,
        first_contact_at=alert.first_contact_at,
        acknowledged_at=alert.acknowledged_at,
        acknowledged_by=alert.acknowledged_by,
        assignee=alert.assignee.email if alert.assignee else None,
        put_aside_until=alert.snoozed_until,
        until_it_changes=bool(alert.snoozed_evidence),
        closed_at=alert.closed_at,
        closed_by=alert.closed_by,
        close_reason=alert.close_reason,
        note=alert.note,
        score=alert.evidence.get("score"),
        band=alert.evidence.get("band", ""),
        numbers=number_shapes(lines_of(alert), face),
        events=event_shapes(events_of(alert)),
        seconds=ClockShape(
            **{name: None if taken is None else taken.total_seconds() for name, taken in clocks.items()}
        ),
    )
