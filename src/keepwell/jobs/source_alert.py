"""Alerts about sources: one that fell silent is told once, and closes when it sends again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import transaction

from keepwell.base.business_time import Calendar
from keepwell.base.home import Home
from keepwell.jobs.alert import CLEARED, open_alerts
from keepwell.jobs.audit import record_act
from keepwell.jobs.notify import do_queue_notifications, do_suppress_notifications
from keepwell.jobs.own_event import OWN
from keepwell.jobs.signal_notice import source_notice
from keepwell.jobs.silence import SourceState, source_states
from keepwell.store.models import Alert, Source
from keepwell.store.read.source import SourceRow, source_rows

RULE: Final = "source_silent"
BY: Final = "worker"


def do_watch_sources(home: Home, calendar: Calendar, *, now: datetime) -> int:
    """Open an alert for each active source that is silent and has none, and close those that are over.

    Gives how many opened.
    """
    rows = {row.id: row for row in source_rows(Source.objects.exclude(connector=OWN), now=now)}
    states = source_states(home, list(rows.values()), now=now)
    silent = {source for source, state in states.items() if state.state == "silent"}
    opened = 0
    with transaction.atomic():
        told = {alert.source_id: alert for alert in open_alerts().filter(rule=RULE, account=None)}
        for source in sorted(silent - told.keys()):
            _open(rows[source], states[source], calendar, now)
            opened += 1
        for alert in told.values():
            if alert.source_id not in silent:
                open_alerts().filter(pk=alert.pk).update(closed_at=now, close_reason=CLEARED)
                record_act("alert_cleared", f"alert {alert.pk}", {"source": alert.title}, by=BY, now=now)
                do_suppress_notifications("alert", [alert.pk], "The source sends again.", by=BY, now=now)
    return opened


def _open(row: SourceRow, state: SourceState, calendar: Calendar, now: datetime) -> None:
    alert = Alert.objects.create(
        source_id=row.id,
        rule=RULE,
        title=f"The source '{row.name}' is silent",
        severity="high",
        happened_at=state.silent_from or now,
        detected_at=now,
        opened_at=now,
        evidence={"lines": _lines(row, state, now), "events": []},
    )
    record_act("alert_opened", f"alert {alert.pk}", {"rule": RULE, "source": row.name}, by=BY, now=now)
    do_queue_notifications([source_notice(alert)], calendar=calendar, by=BY, now=now)


def _lines(row: SourceRow, state: SourceState, now: datetime) -> list[Mapping[str, object]]:
    """Numbers in minutes, with what is usual as their limit."""
    last = row.last_event_at or now
    usual = f"its usual pause ends by {_told(state.usual_until)}" if state.usual_until else ""
    return [
        {"label": "Last event", "value": _told(last), "unit": "", "limit": usual},
        {
            "label": "Without an event",
            "value": round((now - last).total_seconds() / 60),
            "unit": "minutes",
            "limit": "",
        },
        {"label": "Counted as silent from", "value": _told(state.silent_from or now), "unit": "", "limit": ""},
    ]


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
