"""Alerts: opened and closed by looks, handled by members."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from keepwell.base.errors import UserError
from keepwell.facts.moment import Moment
from keepwell.jobs.audit import record_act
from keepwell.jobs.notify import do_queue_notifications, do_suppress_notifications
from keepwell.jobs.panel import in_statements, named
from keepwell.jobs.signal_evidence import Evidence, Scene
from keepwell.jobs.signal_notice import alert_notice
from keepwell.jobs.update_rows import update_rows
from keepwell.lake.evidence import newest_events
from keepwell.lake.log import EventLog
from keepwell.metrics.event_filter import EventFilter
from keepwell.signals.alert import CloseReason
from keepwell.signals.episode import dismissed
from keepwell.signals.look import Look
from keepwell.signals.policy import Policy
from keepwell.store.models import Alert, Member, SignalEpisode
from keepwell.store.read.dictionary import name_codes
from keepwell.store.read.package import signals_of

# What is known later than this after it happened is marked so.
LATE: Final = timedelta(hours=1)
BY: Final = "worker"
ROWS_A_STATEMENT: Final = 500
CONTACTS_READ: Final = 50
NOTE_CHARACTERS: Final = 2000
# By themselves alerts close for these reasons; `CloseReason` are those of members.
CLEARED: Final = "cleared"
SUPERSEDED: Final = "superseded"
ENDED: Final = "account_ended"
RULE_GONE: Final = "rule_gone"
# Contacts with an account, of either side.
CONTACTS: Final = EventFilter(events=("touch_sent", "meeting_held", "message_replied", "message_received"))


def do_open_alerts(scene: Scene, found: Look, *, now: datetime) -> int:
    """Write a row for every alert that a look opened, with its evidence. Inside the transaction of the look."""
    opened: dict[str, dict[int, datetime]] = {}
    for change in found.changes:
        if change.noun == "alert" and change.transition == "open":
            opened.setdefault(change.rule, {})[change.row] = change.since
    rows: list[Alert] = []
    for name, begun in opened.items():
        rule = scene.book.alerts[name]
        evidence, happened = scene.evidence(rule.when, list(begun)), scene.happened_at(rule.when, begun)
        for row, detected in begun.items():
            account = int(scene.panel.accounts[row])
            rows.append(
                Alert(
                    account_id=account,
                    package=scene.package,
                    rule=name,
                    version=scene.version,
                    title=rule.title,
                    severity=rule.severity,
                    happened_at=happened[row],
                    detected_at=detected,
                    opened_at=now,
                    respond_by=None if rule.respond is None else rule.respond.due_at(now, scene.calendar),
                    is_known_late=detected - happened[row] > LATE,
                    assignee_id=scene.accounts[account].owner_id,
                    evidence=evidence[row],
                )
            )
    Alert.objects.bulk_create(rows, batch_size=ROWS_A_STATEMENT)
    notices = [
        alert_notice(alert, scene.accounts[alert.account_id or 0], scene.book.alerts[alert.rule], scene.book)
        for alert in rows
    ]
    do_queue_notifications(notices, calendar=scene.calendar, by=BY, now=now)
    return len(rows)


def do_close_alerts(scene: Scene, found: Look, ended: Sequence[int], *, now: datetime) -> int:
    """Close what is over, what a worse alert took the place of, and everything of accounts that ended."""
    closed: dict[tuple[str, str], list[int]] = {}
    for change in found.changes:
        if change.noun == "alert" and change.transition != "open":
            is_over = CLEARED if change.rule in scene.book.alerts else RULE_GONE
            reason = SUPERSEDED if change.transition == "supersede" else is_over
            closed.setdefault((change.rule, reason), []).append(change.account)
    rows = open_alerts().filter(package=scene.package)
    over = [
        (reason, rows.filter(account__in=some, rule=name))
        for (name, reason), accounts in closed.items()
        for some in in_statements(accounts)
    ]
    over += [(ENDED, rows.filter(account__in=some)) for some in in_statements(ended)]
    settled: list[int] = []
    for reason, alerts in over:
        settled += alerts.values_list("pk", flat=True)
        alerts.update(closed_at=now, close_reason=reason)
    if settled:
        do_suppress_notifications("alert", settled, "It was over before it was told.", by=BY, now=now)
    return len(settled)


def do_follow_alerts(scene: Scene, *, now: datetime) -> None:
    """Note first contacts, and wake what was put aside until it changes."""
    rows = named(open_alerts().filter(package=scene.package), scene.panel.accounts.tolist())
    waiting = [row for row in rows if row.first_contact_at is None or row.snoozed_evidence]
    place = {account: row for row, account in enumerate(scene.panel.accounts.tolist())}
    waiting = [row for row in waiting if row.account_id in place]
    if not waiting:
        return
    accounts = sorted({row.account_id for row in waiting if row.account_id is not None})
    since = min(row.opened_at for row in waiting)
    log, moment = EventLog(scene.home.log), Moment.at(scene.panel.as_of)
    contacts = newest_events(log, [CONTACTS], name_codes(), accounts, moment, most=CONTACTS_READ, since=since)
    changed: list[Alert] = []
    for alert in waiting:
        before = (alert.first_contact_at, alert.snoozed_evidence)
        later = [one.at for one in contacts.get(alert.account_id or 0, ()) if one.at >= alert.opened_at]
        if later and alert.first_contact_at is None:
            alert.first_contact_at = min(later)
        if alert.snoozed_evidence and alert.rule in scene.book.alerts:
            when = scene.book.alerts[alert.rule].when
            row = place[alert.account_id or 0]
            if evidence_mark(scene.evidence(when, [row])[row]) != alert.snoozed_evidence:
                alert.snoozed_evidence = ""
        if (alert.first_contact_at, alert.snoozed_evidence) != before:
            changed.append(alert)
    update_rows(changed, ["first_contact_at", "snoozed_evidence"])


def do_acknowledge_alert(alert: Alert, *, by: str, now: datetime) -> None:
    """Somebody has seen it. Doing it again changes nothing."""
    with transaction.atomic():
        if open_alerts().filter(pk=alert.pk, acknowledged_at=None).update(acknowledged_at=now, acknowledged_by=by):
            record_act("alert_acknowledged", f"alert {alert.pk}", {}, by=by, now=now)
            do_suppress_notifications("alert", [alert.pk], "Somebody had seen it already.", by=by, now=now)


def do_assign_alert(alert: Alert, member: Member | None, *, by: str, now: datetime) -> None:
    """Give it to a member, or to nobody."""
    with transaction.atomic():
        _still_open(alert)
        Alert.objects.filter(pk=alert.pk).update(assignee=member)
        record_act("alert_assigned", f"alert {alert.pk}", {"to": member.email if member else None}, by=by, now=now)


def do_snooze_alert(alert: Alert, until: datetime | None, *, by: str, now: datetime) -> None:
    """Put it aside until a moment, or with None until what it rests on changes."""
    if until is not None and until <= now:
        raise UserError(
            f"An alert cannot be put aside until {until:%Y-%m-%d %H:%M} UTC, which is over; give a later time."
        )
    with transaction.atomic():
        fresh = _still_open(alert)
        mark = evidence_mark(fresh.evidence) if until is None else ""
        Alert.objects.filter(pk=alert.pk).update(snoozed_until=until, snoozed_evidence=mark)
        told = {"until": until.isoformat() if until else "it changes"}
        record_act("alert_snoozed", f"alert {alert.pk}", told, by=by, now=now)


def do_close_alert(alert: Alert, reason: CloseReason, *, note: str = "", by: str, now: datetime) -> None:
    """Close it for a reason. While it still holds, nobody is told of it again."""
    with transaction.atomic():
        fresh = _still_open(alert)
        Alert.objects.filter(pk=alert.pk).update(
            closed_at=now, closed_by=by, close_reason=reason, note=note[:NOTE_CHARACTERS]
        )
        _mute(fresh, now)
        do_suppress_notifications("alert", [alert.pk], "Somebody had closed it already.", by=by, now=now)
        record_act("alert_closed", f"alert {alert.pk}", {"reason": reason, "note": note}, by=by, now=now)


def open_alerts() -> QuerySet[Alert]:
    return Alert.objects.filter(closed_at=None)


def evidence_mark(evidence: Evidence) -> str:
    """A digest that changes when the band or an event behind an alert does, not with every number."""
    told = [evidence.get("band"), evidence.get("events")]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _still_open(alert: Alert) -> Alert:
    fresh = open_alerts().select_for_update().filter(pk=alert.pk).first()
    if fresh is None:
        raise UserError(f"The alert '{alert.title}' is closed already; there is nothing to do about it.")
    return fresh


def _mute(alert: Alert, now: datetime) -> None:
    rows = SignalEpisode.objects.filter(account=alert.account_id, package=alert.package, noun="alert", rule=alert.rule)
    for row in rows:
        version = alert.version
        book = signals_of(version) if version is not None else None
        rule = book.alerts.get(alert.rule) if book is not None else None
        policy = book.policy("alert", rule) if book is not None and rule is not None else Policy()
        after = dismissed(policy, now)
        rows.filter(pk=row.pk).update(phase=after.phase, since=after.since, until=after.until)
