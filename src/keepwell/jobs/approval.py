"""The yes or no of whoever a message would speak for."""

import re
from datetime import datetime
from html import escape
from typing import Final

from django.db import transaction

from keepwell.base.errors import UserError
from keepwell.facts.notice_text import one_line
from keepwell.jobs.arbitration import do_settle_steps
from keepwell.jobs.audit import record_act
from keepwell.jobs.enrolment_state import has_ended_early, read_calendar
from keepwell.playbooks.template import LONGEST_SUBJECT, UNFIT
from keepwell.store.models import Member, Touch
from keepwell.store.read.package import voice_of
from keepwell.store.read.touch import may_approve

LONGEST_TEXT: Final = 20_000
NOT_APPROVED: Final = "It was not approved"
_LONGEST_REASON: Final = 300
# What no text holds: controls but the tab and the line break, and halves of characters.
_UNFIT_TEXT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def do_approve_touch(touch: Touch, member: Member, *, subject: str, text: str, by: str, now: datetime) -> None:
    """Let a message leave, as it is or with other words. It still passes consent, caps and quiet hours.

    A text with other words goes out as plain paragraphs. Raises where it waits for nobody's yes any more, or not for
    this member's. `by` is the member, or the key that came in their stead.
    """
    subject, text = _checked_subject(subject), _checked_text(text)
    with transaction.atomic():
        found = _asked(touch, member)
        is_edited = (subject, text) != (found.subject.strip(), found.text.strip())
        if is_edited:
            found.subject, found.edited_at = subject, now
        if text != found.text.strip():
            found.text, found.html = text + "\n", _paragraphs(text)
        found.late_at = max(found.late_at, _morning(found, now) + (found.late_at - found.due_at))
        found.due_at = max(found.due_at, now)
        found.state, found.held_because = "todo", ""
        found.approved_at, found.approved_by = now, by
        found.save()
        record_act("touch_approved", f"touch {found.pk}", {"edited": is_edited}, by=by, now=now)


def do_refuse_touch(touch: Touch, member: Member, *, reason: str, by: str, now: datetime) -> None:
    """The message is not sent; the playbook goes on. Raises as `do_approve_touch` does."""
    reason = one_line(reason, _LONGEST_REASON - len(NOT_APPROVED) - 2)
    with transaction.atomic():
        found = _asked(touch, member)
        told = f"{NOT_APPROVED}: {reason}" if reason else f"{NOT_APPROVED}."
        found.state, found.reason, found.settled_at = "suppressed", told, now
        found.save()
        do_settle_steps([found], now=now)
        record_act("touch_refused", f"touch {found.pk}", {"reason": reason}, by=by, now=now)


def _asked(touch: Touch, member: Member) -> Touch:
    found = (
        Touch.objects.select_for_update(of=("self",)).select_related("account", "enrolment__version").get(pk=touch.pk)
    )
    if not may_approve(member, found):
        raise UserError("This message speaks for somebody else; only they may let it leave. Nothing was changed.")
    if found.state != "asked":
        raise UserError("This message waits for nobody's yes any more. Load the page again to see what became of it.")
    if has_ended_early(found.enrolment):
        raise UserError("The playbook has ended at this account, so the message is not wanted any more.")
    return found


def _morning(touch: Touch, now: datetime) -> datetime:
    """From when on its time counts: the night does not, so that a yes in the evening is not in vain."""
    return voice_of(touch.enrolment.version).quiet_until(now, read_calendar(touch.enrolment.contact_calendar))


def _checked_subject(subject: str) -> str:
    subject = subject.strip()
    if not 0 < len(subject) <= LONGEST_SUBJECT or UNFIT.search(subject):
        raise UserError(f"The subject must be one line of 1 to {LONGEST_SUBJECT} characters; it has {len(subject)}.")
    return subject


def _checked_text(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    unfit = _UNFIT_TEXT.search(text)
    if unfit:
        raise UserError(f"The message holds U+{ord(unfit.group()):04X}, which no mail can; take it out.")
    if not 0 < len(text) <= LONGEST_TEXT:
        raise UserError(f"The message must have 1 to {LONGEST_TEXT:,} characters; it has {len(text):,}.")
    return text


def _paragraphs(text: str) -> str:
    parts = (escape(part).replace("\n", "<br>") for part in text.split("\n\n") if part.strip())
    return "".join(f"<p>{part}</p>" for part in parts)
