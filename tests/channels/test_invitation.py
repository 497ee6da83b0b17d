"""An invitation as programs that nobody here wrote read it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from keepwell.channels.contact_mail import ContactMail, written
from keepwell.facts.meeting import Meeting
from keepwell.facts.touch_message import TouchMessage
from tests.channels.letters import MESSAGE, SENDER, server
from tests.channels.npm_mail_server import npm_mail_server
from tests.node import run_node

# Ten o'clock in Madrid, in winter.
STARTS = datetime(2026, 12, 1, 9, tzinfo=UTC)
MEETING = Meeting(
    starts_at=STARTS,
    ends_at=STARTS + timedelta(minutes=30),
    place="https://meet.example/a?b=1&c=2",
    zone="Europe/Madrid",
)
INVITATION = replace(MESSAGE, meeting=MEETING)


def as_read(message: TouchMessage = INVITATION) -> EmailMessage:
    return message_from_bytes(written(message, server(1)).as_bytes(), policy=default)


def parts(mail: EmailMessage) -> dict[str, EmailMessage]:
    return {part.get_content_type(): part for part in mail.iter_parts() if isinstance(part, EmailMessage)}


def test_the_mail_has_a_request_beside_its_text_in_both_forms() -> None:
    mail = as_read()
    assert mail.get_content_type() == "multipart/alternative"
    found = parts(mail)
    assert list(found) == ["text/plain", "text/html", "text/calendar"]
    assert found["text/calendar"].get_param("method") == "REQUEST"
    assert found["text/calendar"].get_content_charset() == "utf-8"
    text, html = (found[kind].get_content().replace("\r\n", "\n") for kind in ("text/plain", "text/html"))
    assert (
        "When: Tuesday 1 December 2026, 10:00 to 10:30 (Europe/Madrid)\nWhere: https://meet.example/a?b=1&c=2" in text
    )
    assert text.index("how is it going?") < text.index("When:") < text.index("no more messages")
    assert '<a href="https://meet.example/a?b=1&amp;c=2">' in html
    assert html.index("When:") < html.index("No more messages") < html.index("</body>")


def test_a_text_that_somebody_changed_still_says_when_and_where() -> None:
    found = parts(as_read(replace(INVITATION, html="")))
    assert list(found) == ["text/plain", "text/calendar"]
    assert "When: Tuesday 1 December 2026, 10:00 to 10:30" in found["text/plain"].get_content()


def test_a_message_that_invites_to_nothing_has_no_such_part() -> None:
    assert "text/calendar" not in parts(as_read(MESSAGE))


def test_the_request_is_the_same_however_often_it_is_tried() -> None:
    first, second = (parts(as_read())["text/calendar"].get_content() for _ in range(2))
    assert first == second


@pytest.mark.clients
def test_node_ical_reads_who_invites_whom_to_what_and_when() -> None:
    with npm_mail_server() as found:
        channel = ContactMail(server(found.port))
        assert channel.send(INVITATION).outcome == "sent"
        channel.close()
        (taken,) = found.taken()
    request = parts(taken.mail)["text/calendar"].get_content()
    assert run_node("read_calendar.mjs", {"text": request}) == {
        "method": "REQUEST",
        "uid": "meeting.t0uch7.touch.42@ours.example",
        "sequence": 0,
        "start": "2026-12-01T09:00:00.000Z",
        "end": "2026-12-01T09:30:00.000Z",
        "summary": "How is it going?",
        "location": "https://meet.example/a?b=1&c=2",
        "organizer": f"mailto:{SENDER}",
        "organizerName": "Ben Quay",
        "attendee": "mailto:ann@harbour-lights.example",
        "attendeeName": "Ann Pier",
        "rsvp": True,
    }


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=200).filter(str.strip)
LINES = st.lists(WORDS, min_size=1, max_size=4).map("\n".join)


@given(name=WORDS, sender=WORDS, text=LINES, place=WORDS, minutes=st.integers(1, 1440))
def test_whatever_people_write_comes_back_from_the_request_as_it_was(
    name: str, sender: str, text: str, place: str, minutes: int
) -> None:
    meeting = replace(MEETING, place=place, ends_at=STARTS + timedelta(minutes=minutes))
    message = replace(INVITATION, name=name, sender=sender, text=text, meeting=meeting)
    content = written(message, server(1)).as_bytes()
    mail = message_from_bytes(content, policy=default)
    (event,) = Calendar.from_ical(parts(mail)["text/calendar"].get_content()).walk("VEVENT")
    assert str(event["LOCATION"]) == place
    assert str(event["DESCRIPTION"]) == text.rstrip()
    assert (event.start, event.end) == (meeting.starts_at, meeting.ends_at)
    assert all(byte < 128 for byte in content)
