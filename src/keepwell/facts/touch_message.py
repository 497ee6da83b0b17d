"""A message to a contact as a channel takes it."""

from dataclasses import dataclass
from datetime import datetime

from keepwell.facts.meeting import Meeting


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchMessage:
    """`message_id` is without angle brackets and the same however often it is tried; `earlier` are those of the same
    enrolment that went before, oldest first. `sender` is the name that it comes from, `reply_to` "" where answers go to
    the address that it comes from. `unsubscribe` is the link by which the contact ends such messages. `meeting` is what
    it invites to.
    """

    message_id: str
    address: str
    name: str
    sender: str
    reply_to: str
    subject: str
    text: str
    html: str
    unsubscribe: str
    earlier: tuple[str, ...]
    at: datetime
    meeting: Meeting | None = None
