"""Answers and bounces in a mailbox become events; automatic mail does not."""

import imaplib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imap_tools.errors import ImapToolsError

from keepwell.connectors.imap import Mailbox, Position, fetch_mail
from keepwell.connectors.mail_answer import Answer, Bounce, said_by
from tests.connectors.hook import KNOWN_AT, connector, delivery, props, read, recorded
from tests.connectors.imap_server import Folder, serving

OURS = {"domain": "keepwell.example"}


def test_an_answer_tells_its_sender_what_it_answers_and_the_tone_of_the_new_words() -> None:
    (event,) = read("mail", recorded("mail", "reply.eml"), OURS)
    assert (event.name, event.message_id) == ("message_replied", "CAF1ct0001@mail.harbour-lights.example")
    assert (event.at, event.account, event.contact) == (1_790_000_000_000_000, None, "ann@harbour-lights.example")
    assert props(event) == {
        "channel": "mail",
        "in_reply_to": "t0uch7.touch.42@keepwell.example",
        "reply_tag": "t0uch7",
        # "terrible" and "awful" are quoted from our own mail.
        "sentiment": 0.7841,
        "sentiment_confidence": "low",
        "text_length": 45,
    }


def test_an_answer_to_somebody_else_is_a_message_of_its_own() -> None:
    (event,) = read("mail", recorded("mail", "first.eml"), OURS)
    assert (event.name, event.contact) == ("message_received", "bo@quarry.example")
    (event,) = read("mail", recorded("mail", "first.eml"), {**OURS, "keep_text": True})
    assert props(event)["text"] == "Schön, but where is the invoice?"


def test_an_absence_notice_is_no_answer() -> None:
    assert read("mail", recorded("mail", "absence.eml"), OURS) == []


@pytest.mark.parametrize("header", ["Precedence: bulk", "List-Id: <news.example>", "Auto-Submitted: auto-generated"])
def test_other_automatic_mail_gives_nothing(header: str) -> None:
    assert read("mail", header.encode() + b"\r\n" + recorded("mail", "reply.eml"), OURS) == []


def test_a_report_tells_each_address_and_whether_it_is_for_good() -> None:
    events = read("mail", recorded("mail", "bounce.eml"), OURS)
    assert [(event.name, event.contact, props(event)["permanent"]) for event in events] == [
        ("message_bounced", "gone@harbour-lights.example", True),
        ("message_bounced", "slow@harbour-lights.example", False),
    ]
    assert len({event.message_id for event in events}) == 2


def test_a_signature_has_no_tone() -> None:
    body = recorded("mail", "reply.eml").replace(b"happy with it.\r\n", b"happy with it.\r\n\r\n-- \r\nDr Horrible\r\n")
    (event,) = read("mail", body, {**OURS, "keep_text": True})
    assert props(event)["text"] == "Thanks for asking, we are very happy with it."


@pytest.mark.parametrize("text", [b"On " * 5000, b"\n" * 20_000, b" \n" * 9000, b"On <" * 5000, b"> " * 9000])
def test_a_text_made_to_take_long_is_read_all_the_same(text: bytes) -> None:
    (event,) = read("mail", b"From: a@quarry.example\nMessage-ID: <x@quarry.example>\n\n" + text, OURS)
    assert event.name == "message_received"


def test_a_mail_from_the_future_counts_from_when_it_came() -> None:
    body = recorded("mail", "reply.eml").replace(b"Sep 2026 16:13", b"Sep 2031 16:13")
    assert read("mail", body, OURS)[0].at == KNOWN_AT


def test_a_mail_without_an_id_has_one_of_its_bytes() -> None:
    body = recorded("mail", "reply.eml").replace(b"Message-ID: <", b"X-Other: <")
    (event,) = read("mail", body, OURS)
    assert event.message_id.startswith("auto-")
    assert read("mail", body, OURS)[0].message_id == event.message_id


def test_a_mail_from_nobody_is_refused() -> None:
    body = recorded("mail", "reply.eml").replace(b"From: Ann", b"X-From: Ann")
    (refusal,) = connector("mail").read(delivery(body), OURS).refusals
    assert refusal.code == "no_subject"
    assert b"Message-ID: <CAF1ct0001@" in refusal.body
    assert b"happy" not in refusal.body
    (refusal,) = connector("mail").read(delivery(body), {**OURS, "keep_text": True}).refusals
    assert refusal.body == body


@given(data=st.data(), name=st.sampled_from(["reply.eml", "bounce.eml", "absence.eml"]))
def test_of_a_mail_that_was_damaged_something_or_nothing_is_said_but_no_error(data: st.DataObject, name: str) -> None:
    body = recorded("mail", name)
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 40)))
    saying = said_by(body[:start] + data.draw(st.binary(max_size=40)) + body[end:])
    assert saying is None or all("<" not in one for one in saying.ids)


def test_a_report_names_the_mail_that_it_returns_and_what_the_server_said() -> None:
    saying = said_by(recorded("mail", "bounce.eml"))
    assert isinstance(saying, Bounce)
    assert saying.ids == ("t0uch7.touch.42@keepwell.example",)
    assert [(one.address, one.is_permanent, one.reason) for one in saying.failures] == [
        ("gone@harbour-lights.example", True, "5.1.1 smtp; 550 5.1.1 no such mailbox"),
        ("slow@harbour-lights.example", False, "4.4.1"),
    ]


def test_an_answer_names_what_it_answers_the_newest_first() -> None:
    saying = said_by(recorded("mail", "reply.eml"))
    assert isinstance(saying, Answer)
    assert saying.ids == ("t0uch7.touch.42@keepwell.example", "older.touch.41@keepwell.example")
    assert saying.sender == "ann@harbour-lights.example"
    assert said_by(recorded("mail", "absence.eml")) is None


def mailbox(port: int, password: str = "s3cret") -> Mailbox:
    return Mailbox("127.0.0.1", port, "ann", password, security="none")


def three_mails() -> Folder:
    return Folder(
        {uid: recorded("mail", name) for uid, name in ((3, "reply.eml"), (4, "first.eml"), (9, "bounce.eml"))}
    )


def test_a_folder_is_read_from_where_it_was_left_and_nothing_is_changed() -> None:
    folder = three_mails()
    with serving(folder) as port:
        first = list(fetch_mail(mailbox(port), None, limit=2, timeout=5))
        rest = list(fetch_mail(mailbox(port), first[-1][0], limit=10, timeout=5))
        none = list(fetch_mail(mailbox(port), rest[-1][0], limit=10, timeout=5))
    assert [position for position, _ in first + rest] == [Position(7, 3), Position(7, 4), Position(7, 9)]
    assert [body for _, body in first + rest] == list(folder.mails.values())
    assert none == []
    assert not [command for command in folder.asked if command.startswith(("SELECT", "UID STORE", "EXPUNGE"))]
    assert all("PEEK" in command for command in folder.asked if command.startswith("UID FETCH"))


def test_a_folder_that_is_counted_anew_is_read_from_its_beginning() -> None:
    with serving(three_mails()) as port:
        found = list(fetch_mail(mailbox(port), Position(6, 9), limit=10, timeout=5))
    assert [position.uid for position, _ in found] == [3, 4, 9]


def test_a_wrong_password_is_an_error_that_does_not_tell_it() -> None:
    with serving(three_mails()) as port, pytest.raises((imaplib.IMAP4.error, ImapToolsError)) as caught:
        list(fetch_mail(mailbox(port, "wr0ng"), None, limit=1, timeout=5))
    assert "wr0ng" not in str(caught.value)
    assert "wr0ng" not in repr(mailbox(port, "wr0ng"))


def test_the_recorded_mails_end_their_lines_as_mails_do() -> None:
    for file in (Path(__file__).parent / "fixtures" / "mail").iterdir():
        assert b"\n" not in file.read_bytes().replace(b"\r\n", b"")
