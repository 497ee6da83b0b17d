"""What a mail says of the meeting that it invites to: to calendars as RFC 5545 and 5546 have it, and to people."""

from datetime import UTC
from html import escape
from typing import Final

from icalendar import Calendar, Event, vCalAddress

from keepwell.facts.meeting import Meeting
from keepwell.facts.touch_message import TouchMessage

_PRODUCT: Final = "-//Keepwell//Keepwell//EN"
_BLOCK: Final = (
    '<div style="max-width:552px;margin:0 auto;padding:16px 24px;font-family:Arial,Helvetica,sans-serif;'
    'font-size:14px;line-height:22px;color:#1f2933">When: {when}<br>Where: {where}</div>'
)


def as_calendar(message: TouchMessage, meeting: Meeting, organiser: str) -> str:
    """A request for one meeting, the same for the same message; `organiser` is the address that it comes from.

    Instants are in UTC: a zone that is named would have to be described, and the programs of others know other ones.
    """
    event = Event()
    event.add("uid", f"meeting.{message.message_id}")
    event.add("sequence", 0)
    event.add("dtstamp", message.at.astimezone(UTC))
    event.add("dtstart", meeting.starts_at.astimezone(UTC))
    event.add("dtend", meeting.ends_at.astimezone(UTC))
    event.add("summary", message.subject)
    event.add("description", message.text.rstrip())
    event.add("location", meeting.place)
    event.add("status", "CONFIRMED")
    event.add("organizer", _person(organiser, message.sender))
    attendee = _person(message.address, message.name)
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["PARTSTAT"] = "NEEDS-ACTION"
    attendee.params["RSVP"] = "TRUE"
    event.add("attendee", attendee, encode=False)
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "REQUEST")
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content.decode()


def as_text(meeting: Meeting) -> str:
    return f"When: {meeting.when_told()}\nWhere: {meeting.place}"


def as_html(meeting: Meeting) -> str:
    where = escape(meeting.place)
    if meeting.place.startswith("https://"):
        where = f'<a href="{where}">{where}</a>'
    return _BLOCK.format(when=escape(meeting.when_told()), where=where)


def _person(address: str, name: str) -> vCalAddress:
    found = vCalAddress(f"mailto:{address}")
    if name:
        found.params["CN"] = name
    return found
