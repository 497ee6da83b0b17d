"""The yes or no of whoever a message would speak for."""

from datetime import datetime
from html import escape
from typing import Final

from django.db import transaction

from keepwell.base.errors import UserError
from keepwell.jobs.arbitration import do_settle_steps
from keepwell.jobs.audit import record_act
from keepwell.playbooks.template import LONGEST_SUBJECT, UNFIT
from keepwell.store.models import Member, Touch
from keepwell.store.read.touch import may_approve

LONGEST_TEXT: Final = 20_000
NOT_APPROVED: Final = "It was not approved"


def do_approve_touch(touch: Touch, member: Member, *, subject: str, text: str, now: datetime) -> None:
    """Let a message leave, as it is or with other words. It still passes consent, caps and quiet hours.

    With other words it goes out as plain paragraphs. Raises where it waits for nobody's yes any more, or not for this
    member's.
    """
    subject, text = _checked_subject(subject), _checked_text(text)
    with transaction.atomic():
        found = _asked(touch, member)
        is_edited = (subject, text) != (found.subject, found.text.strip())
        if is_edited:
            found.subject, found.text, found.html, found.edited_at = subject, text + "\n", _paragraphs(text), now
        room = found.late_at - found.due_at
        found.state, found.held_because = "todo", ""
        found.approved_at, found.approved_by = now, member.email
        found.due_at, found.late_at = max(found.due_at, now), max(found.late_at, now + room)
        found.save()
        record_act("touch_approved", f"touch {found.pk}", {"edited": is_edited}, by=member.email, now=now)


def do_refuse_touch(touch: Touch, member: Member, *, reason: str, now: datetime) -> None:
    """The message is not sent; the playbook goes on. Raises as `do_approve_touch` does."""
    with transaction.atomic():
        found = _asked(touch, member)
        told = f"{NOT_APPROVED}: {reason.strip()}" if reason.strip() else f"{NOT_APPROVED}."
        found.state, found.reason, found.settled_at = "suppressed", told[:300], now
        found.save()
        do_settle_steps([found], now=now)
        record_act("touch_refused", f"touch {found.pk}", {"reason": reason}, by=member.email, now=now)


def _asked(touch: Touch, member: Member) -> Touch:
    found = Touch.objects.select_for_update(of=("self",)).select_related("account", "enrolment").get(pk=touch.pk)
    if not may_approve(member, found):
        raise UserError("This message speaks for somebody else; only they may let it leave. Nothing was changed.")
    if found.state != "asked":
        raise UserError("This message waits for nobody's yes any more. Load the page again to see what became of it.")
    if found.enrolment.finished_at is not None and found.enrolment.finished_because not in ("completed", "finished"):
        raise UserError("The playbook has ended at this account, so the message is not wanted any more.")
    return found


def _checked_subject(subject: str) -> str:
    subject = subject.strip()
    if not 0 < len(subject) <= LONGEST_SUBJECT or UNFIT.search(subject):
        raise UserError(f"The subject must be one line of 1 to {LONGEST_SUBJECT} characters.")
    return subject


def _checked_text(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not 0 < len(text) <= LONGEST_TEXT:
        raise UserError(f"The message must have 1 to {LONGEST_TEXT:,} characters; it has {len(text):,}.")
    return text


def _paragraphs(text: str) -> str:
    parts = (escape(part).replace("\n", "<br>") for part in text.split("\n\n") if part.strip())
    return "".join(f"<p>{part}</p>" for part in parts)
