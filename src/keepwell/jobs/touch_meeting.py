"""The meeting that a message invites to."""

from keepwell.facts.meeting import Meeting
from keepwell.store.models import Touch


def meeting_of(touch: Touch) -> Meeting | None:
    """Told by the clock that the contact had when the enrolment began; None for a message that invites to nothing."""
    if touch.starts_at is None or touch.ends_at is None:
        return None
    return Meeting(
        starts_at=touch.starts_at,
        ends_at=touch.ends_at,
        place=touch.place,
        zone=str(touch.enrolment.contact_calendar["zone"]),
    )
