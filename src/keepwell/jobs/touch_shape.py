"""Touches as programs read them. Moments are in UTC."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from keepwell.jobs.alert_shape import AccountOfSignal, PublicShape, account_of
from keepwell.store.models import Member, Touch
from keepwell.store.read.touch import approvers

# What is no column of the same name.
_MADE: Final = ("id", "enrolment", "account", "contact", "to", "approvers")


class TouchShape(PublicShape):
    """One message. `state` is draft, asked, todo, claimed, sent, failed, unknown or suppressed.

    `to` is the address that it went to, or goes to as things stand. `approvers` may let it leave, by mail address; it
    is empty unless the message waits for them. `held_because` and `reason` are sentences. One that invites to a meeting
    says from when until when, and in `place` where.
    """

    id: int
    state: str
    enrolment: int
    account: AccountOfSignal
    contact: str
    to: str
    step: str
    channel: str
    template: str
    purpose: str
    priority: int
    sender_role: str
    sender_name: str
    offers: list[str]
    subject: str
    text: str
    approve_by: str
    approvers: list[str]
    approved_at: datetime | None
    approved_by: str
    edited_at: datetime | None
    queued_at: datetime
    due_at: datetime
    late_at: datetime
    late: str
    held_because: str
    reason: str
    attempts: int
    handed_at: datetime | None
    message_id: str
    settled_at: datetime | None
    replied_at: datetime | None
    bounced_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    place: str


class WholeTouchShape(TouchShape):
    """With the part of the message in HTML, "" where it has none."""

    html: str


def touch_shapes(touches: Sequence[Touch]) -> list[TouchShape]:
    asked = approvers(touch for touch in touches if touch.state == "asked")
    return [_touch_shape(touch, asked.get(touch.pk, ())) for touch in touches]


def whole_touch_shape(touch: Touch) -> WholeTouchShape:
    (plain,) = touch_shapes([touch])
    return WholeTouchShape(**dict(plain), html=touch.html)


def address_of(touch: Touch) -> str:
    """Where it went, or goes to as things stand; "" where there is nobody."""
    return touch.address or (touch.contact.email if touch.contact is not None else "")


def why_told(touch: Touch) -> str:
    """Why a message is failed, unknown or not sent, or why it waits longer than its step asked; else ""."""
    if touch.state == "suppressed" and not touch.text:
        return f"It could not be written: {touch.reason}"
    return touch.reason or touch.held_because


def _touch_shape(touch: Touch, asked: Sequence[Member]) -> TouchShape:
    own = {name: getattr(touch, name) for name in TouchShape.model_fields if name not in _MADE}
    return TouchShape(
        **own,
        id=touch.pk,
        enrolment=touch.enrolment_id,
        account=account_of(touch.account),
        contact=str(touch.contact) if touch.contact is not None else "",
        to=address_of(touch),
        approvers=[member.email for member in asked],
    )
