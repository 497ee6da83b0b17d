"""One message as it would look to its contact, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace, csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from keepwell.facts.meeting import Meeting
from keepwell.jobs.touch_meeting import meeting_of
from keepwell.jobs.touch_shape import address_of, why_told
from keepwell.store.models import Touch
from keepwell.store.read.touch import access_touch, approvers
from keepwell.web.pages.frame import member_of
from keepwell.web.pages.signal_face import WordFace
from keepwell.web.pages.touch_face import touch_face

# The message is shown and can do nothing: no script, no picture from elsewhere, no form, no way out of its frame.
MAIL_POLICY: Final = {
    "default-src": [NONE],
    "script-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": [NONE],
    "font-src": [NONE],
    "connect-src": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "base-uri": [NONE],
    "sandbox": True,
}


@dataclass(frozen=True, slots=True)
class Moment:
    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Context:
    touch: Touch
    face: WordFace
    why: str
    sender: str
    to: str
    asked: str
    moments: Sequence[Moment]
    meeting: Meeting | None


@require_safe
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]  # typed for views without arguments
def message_page(request: HttpRequest, touch_id: int) -> HttpResponse:
    touch = _found(request, touch_id)
    asked = approvers([touch])[touch.pk] if touch.state == "asked" else ()
    page = Context(
        touch=touch,
        face=touch_face(touch),
        why=why_told(touch),
        sender=f"{touch.sender_name} <{settings.KEEPWELL.mail_sender or 'no mail server yet'}>",
        to=f"{touch.contact} <{address_of(touch)}>" if touch.contact is not None else address_of(touch) or "nobody",
        asked=", ".join(one.name or one.email for one in asked),
        moments=_moments(touch),
        meeting=meeting_of(touch),
    )
    return render(request, "message.html", {"page": page, "here": "outbox"})


@require_safe
@csp_replace(MAIL_POLICY)  # type: ignore[arg-type]  # the same
@xframe_options_sameorigin
def message_html(request: HttpRequest, touch_id: int) -> HttpResponse:
    """The part in HTML, for the frame on the page."""
    touch = _found(request, touch_id)
    if not touch.html:
        raise Http404
    return HttpResponse(touch.html)


def _found(request: HttpRequest, touch_id: int) -> Touch:
    touch = access_touch(member_of(request), touch_id)
    if touch is None:
        raise Http404
    return touch


def _moments(touch: Touch) -> list[Moment]:
    """What happened, in the order in which it did."""
    told = [
        (touch.queued_at, f"The step “{touch.step}” asked for it"),
        (touch.edited_at, f"{touch.approved_by or 'Somebody'} changed its words"),
        (touch.approved_at, f"{touch.approved_by} let it leave"),
        (touch.claimed_at, f"It was taken to be handed over, try {touch.attempts}"),
        (touch.handed_at, "It was handed to the mail server"),
        (touch.settled_at, f"{touch_face(touch).word}{f': {why_told(touch)}' if touch.reason else ''}"),
        (touch.replied_at, "The contact answered"),
        (touch.bounced_at, "It came back"),
    ]
    return sorted((Moment(at, what) for at, what in told if at is not None), key=lambda one: one.at)
