"""How signals are shown on every page: the word and shape of a severity, and an alert as one line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from keepwell.base.figure import passed
from keepwell.jobs.alert_shape import alert_action
from keepwell.store.models import Alert, Member
from keepwell.store.read.alert import alert_state, is_overdue
from keepwell.store.read.evidence import access_faces, sentence_of
from keepwell.store.read.scope import may_act_at

# Word and shape of each severity; the colour is that of the tier.
SEVERITY_FACES: Final[Mapping[str, tuple[str, str]]] = {
    "critical": ("Critical", "emergency"),
    "high": ("High", "act"),
    "medium": ("Medium", "watch"),
    "low": ("Low", "unknown"),
}
STATE_WORDS: Final = {"new": "New", "acknowledged": "Acknowledged", "put_aside": "Put aside", "closed": "Closed"}
REASONS: Final = {
    "acted": "Acted on",
    "false_alarm": "False alarm",
    "known": "Known already",
    "duplicate": "Duplicate",
    "cleared": "It is over",
    "superseded": "A worse alert took its place",
    "account_ended": "The account has left",
}
# Those that a member may give.
GIVEN: Final = ("acted", "false_alarm", "known", "duplicate")


@dataclass(frozen=True, slots=True)
class WordFace:
    """A word with its shape."""

    word: str
    tier: str


@dataclass(frozen=True, slots=True)
class AlertLine:
    """`due` says how long the first contact may still take, or how late it is; "" where none is due."""

    alert: Alert
    face: WordFace
    state: str
    state_word: str
    sentence: str
    action: str
    age: timedelta
    due: str
    is_overdue: bool
    may_act: bool

    @property
    def outcome(self) -> str:
        return REASONS.get(self.alert.close_reason, self.alert.close_reason)


def severity_face(severity: str) -> WordFace:
    word, tier = SEVERITY_FACES.get(severity, (severity.capitalize(), "unknown"))
    return WordFace(word, tier)


def alert_lines(member: Member, alerts: Sequence[Alert], *, now: datetime) -> list[AlertLine]:
    faces = access_faces(member, (alert.version_id for alert in alerts))
    return [
        AlertLine(
            alert=alert,
            face=severity_face(alert.severity),
            state=alert_state(alert, now),
            state_word=STATE_WORDS[alert_state(alert, now)],
            sentence=sentence_of(alert, faces.get(alert.version_id)),
            action=alert_action(alert, faces.get(alert.version_id)),
            age=now - alert.opened_at,
            due=_due(alert, now),
            is_overdue=is_overdue(alert, now),
            may_act=may_act_at(member, alert.account, alert.assignee_id),
        )
        for alert in alerts
    ]


def _due(alert: Alert, now: datetime) -> str:
    if alert.closed_at is not None or alert.respond_by is None:
        return ""
    if alert.first_contact_at is not None:
        return "contacted"
    late = now - alert.respond_by
    return f"overdue by {passed(late)}" if late > timedelta(0) else f"due in {passed(-late)}"
