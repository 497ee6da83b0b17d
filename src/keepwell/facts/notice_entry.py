"""What a program reads of a notice: a name, a moment and values of JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from keepwell.facts.message import Entry
from keepwell.facts.notice import Notice, Subject

STEP_NAME: Final = "keepwell.playbook.step"
NAMES: Final[Mapping[Subject, str]] = {
    "alert": "keepwell.alert",
    "opportunity": "keepwell.opportunity",
    "milestone": "keepwell.milestone",
    "step": STEP_NAME,
    "task": "keepwell.task",
}


def entry_of(notice: Notice, *, queued_at: datetime, pages: str) -> Entry:
    """The notice for programs; `pages` is the address under which Keepwell's pages are."""
    account = {"key": notice.account_key, "name": notice.account_name} if notice.account_name else None
    data = {
        "subject": notice.subject,
        "id": notice.subject_id,
        "account": account,
        "title": notice.title,
        "sentence": notice.sentence,
        "severity": notice.severity,
        "roles": list(notice.roles),
        "link": f"{pages}{notice.link}",
        "happened_at": _text(notice.happened_at),
        "respond_by": _text(notice.respond_by),
        **notice.data,
    }
    return Entry(notice.event or NAMES[notice.subject], notice.happened_at or queued_at, data)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
