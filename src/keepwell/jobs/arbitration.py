"""One voice: what may leave now, judged over all playbooks with the contacts locked, and what is held back and why."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, cast

from keepwell.channels.mail_address import is_address
from keepwell.facts.notice import CSM
from keepwell.jobs.audit import record_act
from keepwell.jobs.enrolment_effect import MAIL
from keepwell.jobs.enrolment_state import LAST_WORDS, has_ended_early, read_calendar
from keepwell.jobs.update_rows import update_rows
from keepwell.playbooks.decision import Late
from keepwell.playbooks.steps.calendar import MEETING_BEGUN
from keepwell.playbooks.template import Purpose
from keepwell.playbooks.voice import IN_APP, Candidate, Said, Standing, Verdict, Voice, judge
from keepwell.store.listed import listed
from keepwell.store.models import Contact, OfferRecord, StepRecord, Touch
from keepwell.store.read.alert import falling_accounts
from keepwell.store.read.opt_out import opted_out_contacts
from keepwell.store.read.package import templates_of, voice_of

BY: Final = "worker"
# The longest window that caps look back over.
LOOKED_BACK: Final = timedelta(days=92)
SENDING_IS_OFF: Final = "Sending is off: this is what would have left."
IS_EXAMPLE: Final = "Product, people and links of the package's templates are made up, so nothing is sent with them."
HELD_BACK: Final[Mapping[str, str]] = {
    "enrolment_over": "The enrolment had ended.",
    "opted_out": "The contact wants no more messages.",
    "no_address": "There is no contact with a mail address.",
    "too_late": "It was too late for it.",
    "offer_expired": "The offer that it speaks of had expired.",
    MEETING_BEGUN: "The meeting that it invites to would have begun.",
    "account_at_risk": "Nothing is sold to an account with a critical or high alert.",
    "cap": "The contact had as many automatic messages as allowed.",
    "cool_down": "Another playbook had written to the contact shortly before.",
    "quiet_hours": "It was night at the contact's.",
}
"""What people read for the codes of verdicts."""


@dataclass(slots=True)
class Leaving:
    """Mails that may leave, their address filled in; and how many touches came to which state."""

    mails: list[Touch] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)


def do_judge_touches(most: int, *, is_on: bool, now: datetime) -> Leaving:
    """Judge what is due, and write everything but the claims of `mails`. Inside the transaction that claims them.

    What the product shows itself is sent by this. While sending is off, mail that might leave is suppressed instead,
    and stays readable.
    """
    touches = _locked(most, now)
    leaving = Leaving()
    if not touches:
        return leaving
    verdicts = {pk: Verdict("suppress", because) for pk, because in pointless_touches(touches, now).items()}
    verdicts |= judge_touches([touch for touch in touches if touch.pk not in verdicts], {}, now)
    for touch in touches:
        _apply(touch, verdicts[touch.pk], leaving, is_on=is_on, now=now)
    going = {touch.pk for touch in leaving.mails}
    changed = [touch for touch in touches if touch.pk not in going]
    columns = ["state", "reason", "held_because", "due_at", "settled_at", "approve_by", "address"]
    update_rows(changed, columns)
    do_settle_steps([touch for touch in touches if touch.state == "suppressed"], now=now)
    return leaving


def _locked(most: int, now: datetime) -> list[Touch]:
    """What is due, with its contacts locked before it: an opt-out locks them in the same order. Those that another
    transaction has are left to a later turn."""
    due = Touch.objects.filter(state="todo", due_at__lte=now).order_by("due_at", "pk")
    asked: list[tuple[int, int | None]] = list(due.values_list("pk", "contact")[:most])
    contacts = Contact.objects.filter(pk__in=listed({contact for _, contact in asked if contact is not None}))
    free = set(contacts.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True))
    ids = listed(pk for pk, contact in asked if contact is None or contact in free)
    joined = ("enrolment__version", "contact")
    rows = Touch.objects.filter(pk__in=ids, state="todo").select_related(*joined).order_by("due_at", "pk")
    return list(rows.select_for_update(skip_locked=True, of=("self",)))


def do_settle_steps(suppressed: Sequence[Touch], *, now: datetime) -> None:
    """Write into the enrolments that these messages were held back. Inside the transaction that says so."""
    for touch in suppressed:
        steps = StepRecord.objects.filter(enrolment=touch.enrolment_id, step=touch.step)
        steps.update(state="suppressed", because=touch.reason)
    if suppressed:
        told = {str(touch.pk): touch.reason for touch in suppressed}
        record_act("touches_suppressed", "touches", {"reasons": told}, by=BY, now=now)


def do_sweep_asked(*, now: datetime) -> int:
    """Nobody is asked any more about what may not leave any more: its enrolment is over, its offer has expired, or it
    is too late by its own rule."""
    asked = Touch.objects.filter(state="asked").select_related("enrolment").select_for_update(of=("self",))
    over = list(asked.filter(enrolment__finished_at__isnull=False).exclude(enrolment__finished_because__in=LAST_WORDS))
    late = list(asked.filter(late="skip", late_at__lt=now))
    speaking = {touch.pk: touch for touch in asked.exclude(offers=[], starts_at=None)}
    pointless = pointless_touches(list(speaking.values()), now)
    found = {pk: (speaking[pk], because) for pk, because in pointless.items()}
    found |= {touch.pk: (touch, "too_late") for touch in late} | {touch.pk: (touch, "enrolment_over") for touch in over}
    for touch, because in found.values():
        touch.state, touch.reason, touch.settled_at = "suppressed", HELD_BACK[because], now
    swept = [touch for touch, _ in found.values()]
    update_rows(swept, ["state", "reason", "settled_at"])
    do_settle_steps(swept, now=now)
    return len(swept)


def pointless_touches(touches: Sequence[Touch], now: datetime) -> dict[int, str]:
    """Messages that speak of what is over, with why: an offer that stands no more, or a meeting that has begun."""
    begun = {touch.pk: MEETING_BEGUN for touch in touches if touch.starts_at is not None and touch.starts_at <= now}
    return begun | dict.fromkeys(_expired_offers(touches, now), "offer_expired")


def _expired_offers(touches: Sequence[Touch], now: datetime) -> set[int]:
    """Those of the messages that speak of an offer which stands no more."""
    offering = [touch for touch in touches if touch.offers]
    if not offering:
        return set()
    over = OfferRecord.objects.filter(enrolment__in={touch.enrolment_id for touch in offering}, expires_at__lte=now)
    ended = set(over.values_list("enrolment_id", "offer"))
    return {touch.pk for touch in offering if any((touch.enrolment_id, offer) in ended for offer in touch.offers)}


def judge_touches(touches: Sequence[Touch], further: Mapping[int, Sequence[Said]], now: datetime) -> dict[int, Verdict]:
    """What the one voice makes of touches now, by their ids; nothing is written.

    `further` is what was said to contacts besides what stands in rows.
    """
    contacts = sorted({touch.contact_id for touch in touches if touch.contact_id is not None})
    opted_out = opted_out_contacts(contacts)
    falling = falling_accounts(touch.account_id for touch in touches)
    standings = {
        touch.pk: Standing(
            is_opted_out=touch.contact_id in opted_out,
            has_address=touch.contact is not None and is_address(touch.contact.email.strip()),
            is_over=has_ended_early(touch.enrolment),
            is_falling=touch.account_id in falling,
        )
        for touch in touches
    }
    voices: dict[int, Voice] = {touch.pk: voice_of(touch.enrolment.version) for touch in touches}
    said = _said(contacts, now)
    heard = {contact: [*said.get(contact, ()), *further.get(contact, ())] for contact in contacts}
    verdicts = judge([_candidate(touch) for touch in touches], standings, heard, voices, now)
    return {touch.pk: _in_time(touch, verdicts[touch.pk]) for touch in touches}


def _in_time(touch: Touch, verdict: Verdict) -> Verdict:
    """An invitation that would be held back until its meeting has begun never leaves."""
    if touch.starts_at is None or verdict.until is None or verdict.until < touch.starts_at:
        return verdict
    return Verdict("suppress", MEETING_BEGUN)


def _candidate(touch: Touch) -> Candidate:
    return Candidate(
        touch=touch.pk,
        enrolment=touch.enrolment_id,
        contact=touch.contact_id,
        channel=touch.channel,
        purpose=cast("Purpose", touch.purpose),
        priority=touch.priority,
        due_at=touch.due_at,
        late_at=touch.late_at,
        late=cast("Late", touch.late),
        is_approved=touch.approved_at is not None,
        calendar=read_calendar(touch.enrolment.contact_calendar),
    )


def _said(contacts: Sequence[int], now: datetime) -> dict[int, list[Said]]:
    """What went to contacts, or may have, or would have while sending was off."""
    rows = Touch.objects.filter(contact__in=listed(contacts), channel=MAIL, queued_at__gt=now - LOOKED_BACK)
    went = rows.filter(state__in=("claimed", "sent", "unknown")) | rows.filter(
        state="suppressed", reason=SENDING_IS_OFF
    )
    found: dict[int, list[Said]] = defaultdict(list)
    for contact, enrolment, approved_at, claimed_at, settled_at in went.values_list(
        "contact_id", "enrolment_id", "approved_at", "claimed_at", "settled_at"
    ):
        at = claimed_at or settled_at
        if at is not None:
            found[contact].append(Said(at=at, enrolment=enrolment, is_automatic=approved_at is None))
    return found


def _apply(touch: Touch, verdict: Verdict, leaving: Leaving, *, is_on: bool, now: datetime) -> None:
    because = HELD_BACK.get(verdict.because, verdict.because)
    if verdict.act == "hold":
        touch.due_at, touch.held_because = verdict.until or touch.due_at, because
    elif verdict.act == "ask":
        touch.state, touch.held_because = "asked", because
        touch.approve_by = touch.approve_by or touch.sender_role or CSM
    elif verdict.act == "suppress":
        touch.state, touch.reason, touch.settled_at = "suppressed", because, now
    else:
        _let_go(touch, leaving, is_on=is_on, now=now)
    if touch.state != "todo" or verdict.act == "hold":
        leaving.states["held" if verdict.act == "hold" else touch.state] += 1


def _let_go(touch: Touch, leaving: Leaving, *, is_on: bool, now: datetime) -> None:
    if touch.channel == IN_APP:
        touch.state, touch.settled_at, touch.held_because = "sent", now, ""
        return
    touch.address = touch.contact.email.strip() if touch.contact is not None else ""
    book = templates_of(touch.enrolment.version)
    if book is not None and book.settings.is_example and is_on:
        touch.state, touch.reason, touch.settled_at = "suppressed", IS_EXAMPLE, now
    elif not is_on:
        touch.state, touch.reason, touch.settled_at = "suppressed", SENDING_IS_OFF, now
    else:
        leaving.mails.append(touch)
