"""How fast alerts were noticed and answered: the clocks of an alert, and their averages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import mean, median
from typing import Final, Literal

from keepwell.store.models import Alert, Member
from keepwell.store.read.alert import visible_alerts

WINDOW: Final = timedelta(days=30)
# What a first answer should take on average.
TARGET: Final = timedelta(minutes=15)
Clock = Literal["detection", "opening", "first_contact", "acknowledgement", "response"]
ABOUT: Final[dict[Clock, str]] = {
    "detection": "happened → detected",
    "opening": "detected → opened",
    "first_contact": "opened → first contact",
    "acknowledgement": "opened → acknowledged",
    "response": "opened → first contact or acknowledged, whichever came first",
}


@dataclass(frozen=True, slots=True)
class ResponseTime:
    """One clock over the alerts that opened in the last 30 days: `n` of them have stopped it, `running` have not."""

    clock: Clock
    n: int
    running: int
    average: timedelta | None
    middle: timedelta | None


def clocks_of(alert: Alert) -> dict[Clock, timedelta | None]:
    """How long each took; None where it has not come to that."""
    answers = [at for at in (alert.first_contact_at, alert.acknowledged_at) if at is not None]
    return {
        "detection": alert.detected_at - alert.happened_at,
        "opening": alert.opened_at - alert.detected_at,
        "first_contact": _since_opened(alert, alert.first_contact_at),
        "acknowledgement": _since_opened(alert, alert.acknowledged_at),
        "response": _since_opened(alert, min(answers, default=None)),
    }


def access_response_times(member: Member, *, now: datetime) -> Sequence[ResponseTime]:
    """Every clock; alerts that closed by themselves without an answer count as running, never as quick."""
    rows = visible_alerts(member).filter(opened_at__gt=now - WINDOW, opened_at__lte=now)
    columns = ("happened_at", "detected_at", "opened_at", "first_contact_at", "acknowledged_at")
    clocks = [clocks_of(alert) for alert in rows.only(*columns)]
    return [_summed(clock, [one[clock] for one in clocks]) for clock in ABOUT]


def _summed(clock: Clock, found: Iterable[timedelta | None]) -> ResponseTime:
    every = list(found)
    seconds = [one.total_seconds() for one in every if one is not None]
    return ResponseTime(
        clock,
        len(seconds),
        len(every) - len(seconds),
        timedelta(seconds=mean(seconds)) if seconds else None,
        timedelta(seconds=median(seconds)) if seconds else None,
    )


def _since_opened(alert: Alert, at: datetime | None) -> timedelta | None:
    return None if at is None else max(at - alert.opened_at, timedelta(0))
