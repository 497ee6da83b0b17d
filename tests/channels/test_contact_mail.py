"""A mail to a contact as a server that nobody here wrote got it."""

import re
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.channels.contact_mail import ContactMail, written
from keepwell.facts.touch_message import TouchMessage
from tests.channels.letters import MESSAGE, NOW, SENDER, UNSUBSCRIBE, server
from tests.channels.maildev import maildev
from tests.channels.npm_mail_server import npm_mail_server
from tests.channels.peers import mail_server

EARLIER = ("t0uch7.touch.40@ours.example", "t0uch7.touch.41@ours.example")


def through_aiosmtpd(message: TouchMessage) -> tuple[bytes, EmailMessage]:
    with mail_server() as boxes:
        channel = ContactMail(server(boxes.port))
        assert channel.send(message).outcome == "sent"
        channel.close()
    return boxes.bodies[0], boxes.taken[0]


def through_npm(message: TouchMessage) -> tuple[bytes, EmailMessage]:
    with npm_mail_server() as found:
        channel = ContactMail(server(found.port))
        assert channel.send(message).outcome == "sent"
        channel.close()
        (taken,) = found.taken()
    assert (taken.sender, taken.to) == (SENDER, [message.address])
    return taken.body, taken.mail


def through_maildev(message: TouchMessage) -> tuple[bytes, EmailMessage]:
    with maildev() as found:
        channel = ContactMail(server(found.port))
        assert channel.send(message).outcome == "sent"
        channel.close()
        (read,) = found.read()
        body = found.source(read["id"])
    # What a program that nobody here wrote understood of it.
    assert read["from"] == [{"address": SENDER, "name": message.sender}]
    assert read["to"] == [{"address": message.address, "name": message.name}]
    assert (read["subject"], read["messageId"]) == (message.subject, message.message_id)
    assert read["headers"]["list-unsubscribe"] == f"<{UNSUBSCRIBE}>"
    assert read["text"].startswith(message.text)
    assert UNSUBSCRIBE in read["html"]
    return body, message_from_bytes(body, policy=default)


def as_read(message: TouchMessage) -> EmailMessage:
    return message_from_bytes(written(message, server(1)).as_bytes(), policy=default)


@pytest.mark.parametrize(
    "through",
    [
        through_aiosmtpd,
        pytest.param(through_npm, marks=pytest.mark.clients),
        pytest.param(through_maildev, marks=pytest.mark.clients),
    ],
)
def test_the_mail_arrives_as_it_was_written(through: Callable[[TouchMessage], tuple[bytes, EmailMessage]]) -> None:
    body, mail = through(replace(MESSAGE, earlier=EARLIER, reply_to="ben@ours.example"))
    assert mail["From"] == "Ben Quay <success@ours.example>"
    assert mail["To"] == "Ann Pier <ann@harbour-lights.example>"
    assert mail["Reply-To"] == "ben@ours.example"
    assert mail["Subject"] == "How is it going?"
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == "<t0uch7.touch.42@ours.example>"
    assert mail["In-Reply-To"] == f"<{EARLIER[1]}>"
    assert mail["References"] == f"<{EARLIER[0]}> <{EARLIER[1]}>"
    assert mail["Auto-Submitted"] is None
    assert mail.get_content_type() == "multipart/alternative"
    assert len(UNSUBSCRIBE) == 200
    assert b"\r\nList-Unsubscribe: <" + UNSUBSCRIBE.encode() + b">\r\n" in body
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in body

    text, html = (part.get_content() for part in mail.iter_parts())
    assert text.splitlines()[:3] == ["Hello Ann,", ".", ".. how is it going?"]
    assert text.splitlines()[-1] == UNSUBSCRIBE
    assert f'href="{UNSUBSCRIBE}"' in html
    assert html.index("going?</p>") < html.index(UNSUBSCRIBE) < html.index("</body></html>")


def test_without_a_name_or_an_earlier_mail_the_headers_say_no_more() -> None:
    mail = as_read(replace(MESSAGE, name="", sender=""))
    assert (mail["From"], mail["To"]) == (SENDER, MESSAGE.address)
    assert [mail[name] for name in ("Reply-To", "In-Reply-To", "References")] == [None, None, None]


def test_a_message_without_html_is_plain_text() -> None:
    mail = as_read(replace(MESSAGE, html=""))
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines()[-1] == UNSUBSCRIBE


def test_one_click_is_offered_by_https_only() -> None:
    mail = as_read(replace(MESSAGE, unsubscribe="http://127.0.0.1:8000/unsubscribe/x"))
    assert mail["List-Unsubscribe"] == "<http://127.0.0.1:8000/unsubscribe/x>"
    assert mail["List-Unsubscribe-Post"] is None


def test_names_and_subjects_in_any_script_arrive_and_only_ascii_is_sent() -> None:
    message = replace(
        MESSAGE,
        name="Zoë, 山田 太郎",
        sender='Ørsted "The Boss" <x@y.example>',
        subject="Wie läuft’s? 🌱 " * 12,
        text="Grüße, 山田さん\n" + "lang " * 400,
    )
    body = written(message, server(1)).as_bytes()
    assert body.isascii()
    mail = message_from_bytes(body, policy=default)
    (to,), (sender,) = mail["To"].addresses, mail["From"].addresses
    assert (to.display_name, to.addr_spec) == (message.name, message.address)
    assert (sender.display_name, sender.addr_spec) == (message.sender, SENDER)
    assert mail["Subject"] == message.subject
    assert next(mail.iter_parts()).get_content().splitlines()[0] == "Grüße, 山田さん"
    folded = re.search(rb"(?ms)^Subject:.*?\r\n(?=\S)", body)
    assert folded is not None
    assert max(map(len, folded.group().splitlines())) <= 78


names = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=80)


@given(name=names, subject=names)
def test_any_one_line_of_text_can_be_a_name_and_a_subject(name: str, subject: str) -> None:
    mail = as_read(replace(MESSAGE, name=name, subject=subject))
    assert mail["To"].addresses[0].addr_spec == MESSAGE.address
    assert "".join(mail["To"].addresses[0].display_name.split()) == "".join(name.split())
    assert "".join(mail["Subject"].split()) == "".join(subject.split())


@pytest.mark.parametrize("end", ["\r\nBcc: evil@y.example", "\nBcc: evil@y.example", "\rBcc: evil@y.example"])
@pytest.mark.parametrize(
    "field", ["message_id", "address", "name", "sender", "reply_to", "subject", "unsubscribe", "earlier"]
)
def test_a_line_break_in_a_header_is_refused(field: str, end: str) -> None:
    value = getattr(MESSAGE, field)
    hostile = (f"{EARLIER[0]}{end}",) if field == "earlier" else f"{value or 'ben@ours.example'}{end}"
    with mail_server() as boxes:
        receipt = ContactMail(server(boxes.port)).send(replace(MESSAGE, **{field: hostile}))
    assert (receipt.outcome, boxes.taken, boxes.links) == ("failed", [], 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "ann@x.example, evil@y.example"},
        {"reply_to": "Ben <ben@ours.example>"},
        {"message_id": "no-id"},
        {"message_id": "a@b> <c@d"},
        {"unsubscribe": "https://x.example/>,<mailto:evil@y.example"},
        {"unsubscribe": "javascript:alert(1)"},
        {"unsubscribe": "https://x.example/" + "a" * 900},
        {"subject": "\ud800"},
    ],
)
def test_what_cannot_be_a_mail_has_failed_before_any_server_is_asked(wrong: dict[str, str]) -> None:
    with mail_server() as boxes:
        receipt = ContactMail(server(boxes.port)).send(replace(MESSAGE, **wrong))  # type: ignore[arg-type]
    assert (receipt.outcome, boxes.links) == ("failed", 0)
    assert receipt.detail


def test_the_link_in_the_footer_is_escaped() -> None:
    (_, html) = as_read(replace(MESSAGE, unsubscribe="https://x.example/?a=1&b='x'")).iter_parts()
    assert 'href="https://x.example/?a=1&amp;b=&#x27;x&#x27;"' in html.get_content()
