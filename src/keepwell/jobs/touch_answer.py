"""What contacts and mail servers answer to touches.

A mail that names the Message-ID of a touch says something of its contact, from whatever address it comes: an id is in
nobody's hands but those of who got the mail. Its events go in for the account and the contact of the touch.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from keepwell.base.instant import instant
from keepwell.connectors.mail_answer import Answer, Bounce, Complaint, Failure, Saying, said_by
from keepwell.facts.inbound import Inbound
from keepwell.jobs.audit import record_act
from keepwell.jobs.opt_out import COMPLAINT, do_opt_out
from keepwell.store.models import Member, Touch

_LONGEST_ID: Final = 200
_GONE_OUT: Final = ("claimed", "sent", "unknown")


@dataclass(frozen=True, slots=True)
class TouchNews:
    """One thing that a mail says of one touch. `at` is None where the mail does not tell."""

    touch: Touch
    mail: str
    said: Answer | Failure | Complaint
    at: datetime | None


@dataclass(slots=True)
class Answers:
    """The events of some mails, and what is to be written down once these are on disk."""

    events: list[Inbound] = field(default_factory=list)
    news: list[TouchNews] = field(default_factory=list)


def read_answers(mails: Sequence[tuple[bytes, Sequence[Inbound]]]) -> Answers:
    """From mails, each with the events it gives by itself, to their events as what they are to touches."""
    said = [said_by(body) for body, _ in mails]
    ids = {one for saying in said if saying is not None for one in saying.ids if _may_be_ours(one)}
    touches = {
        touch.message_id: touch
        for touch in Touch.objects.filter(message_id__in=ids).select_related("account", "contact")
    }
    members = {email.lower() for email in Member.objects.values_list("email", flat=True)} if touches else set()
    answers = Answers()
    for (_, events), saying in zip(mails, said, strict=True):
        touch = _touch_of(saying, touches)
        if saying is None or touch is None or (isinstance(saying, Answer) and saying.sender in members):
            answers.events += events
        else:
            _add(answers, saying, touch, events)
    return answers


def do_take_answers(answers: Answers, *, by: str, now: datetime) -> None:
    """Write down what the mails say of touches; again it changes nothing. Call it once their events are on disk.

    A complaint is an opt-out, if it names a touch: nobody else can know whom it is about.
    """
    for news in answers.news:
        if isinstance(news.said, Answer):
            _answered(news, by, now)
        elif isinstance(news.said, Failure):
            _bounced(news, news.said, by, now)
        elif news.touch.contact is not None:
            do_opt_out(news.touch.contact, way=COMPLAINT, by=by, now=now)


def _may_be_ours(message_id: str) -> bool:
    """A database need not be asked for what it cannot hold."""
    return len(message_id) <= _LONGEST_ID and "\0" not in message_id


def _touch_of(saying: Saying | None, touches: Mapping[str, Touch]) -> Touch | None:
    """The touch that is named first."""
    return next((touches[one] for one in saying.ids if one in touches), None) if saying is not None else None


def _add(answers: Answers, saying: Saying, touch: Touch, events: Sequence[Inbound]) -> None:
    if isinstance(saying, Complaint):
        answers.events += events
        answers.news.append(TouchNews(touch, "", saying, None))
        return
    said = saying if isinstance(saying, Answer) else _failure_of(saying, touch)
    for event in events:
        if isinstance(said, Failure) and event.contact != said.address:
            answers.events.append(event)
        else:
            answers.events.append(_of_touch(event, touch))
            # A clock over there that is late makes no answer earlier than its question.
            at = max(instant(event.at), touch.claimed_at or touch.queued_at)
            answers.news.append(TouchNews(touch, event.message_id, said, at))


def _failure_of(bounce: Bounce, touch: Touch) -> Failure:
    """What became of the address of the touch; another one where its mailbox sends mail on."""
    own = [failure for failure in bounce.failures if failure.address == touch.address.lower()]
    return next(iter(own or sorted(bounce.failures, key=lambda failure: not failure.is_permanent)))


def _of_touch(event: Inbound, touch: Touch) -> Inbound:
    is_bounce = event.name == "message_bounced"
    told = json.loads(event.props) if event.props else {}
    told |= {} if is_bounce else {"in_reply_to": touch.message_id}
    return replace(
        event,
        name=event.name if is_bounce else "message_replied",
        account=touch.account.key,
        contact=touch.contact.key if touch.contact is not None else None,
        props=json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    )


def _answered(news: TouchNews, by: str, now: datetime) -> None:
    unanswered = Touch.objects.filter(pk=news.touch.pk, replied_at=None)
    if unanswered.update(replied_at=news.at or now):
        record_act("answer_touch", f"touch:{news.touch.pk}", {"mail": news.mail}, by=by, now=now)


def _bounced(news: TouchNews, failure: Failure, by: str, now: datetime) -> None:
    rows = Touch.objects.filter(pk=news.touch.pk)
    count = rows.filter(bounced_at=None).update(bounced_at=news.at or now)
    if failure.is_permanent:
        reason = f"The mail came back: {failure.reason or 'the address was not reached'}."
        failed = rows.filter(state__in=_GONE_OUT)
        failed.filter(settled_at=None).update(settled_at=now)
        count += failed.update(state="failed", reason=reason[:300], lease_until=None)
    if count:
        details = {"mail": news.mail, "is_permanent": failure.is_permanent, "reason": failure.reason}
        record_act("bounce_touch", f"touch:{news.touch.pk}", details, by=by, now=now)
