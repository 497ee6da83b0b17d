"""Mail against a real server: what each of its answers means, and what it gets."""

import socket
import threading
from datetime import UTC, datetime
from typing import Literal

import pytest

from keepwell.channels.channel import MailServer, Means, TargetError
from keepwell.channels.kinds.mail import Mail
from keepwell.facts.message import Message
from tests.channels.peers import Mailboxes, free_port, mail_server

Security = Literal["none", "tls", "starttls"]
NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
TEXT = "The score fell.\n.\nSee: https://keepwell.example/alerts/1\n"
MESSAGE = Message("0f" * 16, "Critical: Zoë – below 20", TEXT, NOW)
LONG = Message("aa" * 16, "subject " * 20 + "end", "x\n", NOW)


def means(port: int, *, user: str = "", password: str = "", security: Security = "none") -> Means:
    return Means(MailServer("127.0.0.1", port, security, "keepwell@ours.example", user, password))


def test_the_mail_arrives_as_it_was_written() -> None:
    with mail_server() as boxes:
        assert Mail().send("ada@ours.example", MESSAGE, means(boxes.port)).outcome == "sent"
        assert Mail().send("ada@ours.example", LONG, means(boxes.port)).outcome == "sent"
    mail = boxes.taken[0]
    assert boxes.to == ["ada@ours.example", "ada@ours.example"]
    assert mail["Subject"] == MESSAGE.subject
    assert mail["From"] == "keepwell@ours.example"
    assert mail["Message-ID"] == f"<{MESSAGE.id}.notice@ours.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NOW
    assert mail.get_content().splitlines() == MESSAGE.text.splitlines()
    assert mail.get_content_type() == "text/plain"
    assert boxes.taken[1]["Subject"] == LONG.subject


@pytest.mark.parametrize(
    ("command", "answer", "outcome"),
    [
        ("MAIL", "421 4.3.2 going down", "refused"),
        ("MAIL", "451 4.7.1 greylisted", "refused"),
        ("MAIL", "552 5.3.4 too big", "failed"),
        ("RCPT", "451 4.7.1 greylisted", "refused"),
        ("RCPT", "550 5.1.1 no such mailbox", "failed"),
        ("RCPT", "", "refused"),
        ("DATA", "451 4.3.0 try later", "refused"),
        ("DATA", "554 5.7.1 not here", "failed"),
        ("DATA", "", "unknown"),
    ],
)
def test_each_answer_of_the_server_has_one_meaning(command: str, answer: str, outcome: str) -> None:
    with mail_server() as boxes:
        boxes.answers[command] = answer
        receipt = Mail().send("ada@ours.example", MESSAGE, means(boxes.port))
    assert receipt.outcome == outcome
    assert len(boxes.taken) == (outcome == "unknown")
    if answer:
        assert receipt.detail == f"The mail server answered {answer[:3]}: {answer[4:]}"


def test_a_server_that_is_away_or_never_greets_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Mail().send("ada@ours.example", MESSAGE, means(free_port())).outcome == "refused"
    monkeypatch.setattr("keepwell.channels.smtp.ANSWER_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert Mail().send("ada@ours.example", MESSAGE, means(silent.getsockname()[1])).outcome == "refused"


def test_a_server_that_is_silent_after_the_final_dot_may_have_taken_the_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepwell.channels.kinds.mail.MAIL_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def serve() -> None:
            link, _ = listening.accept()
            with link, link.makefile("rwb", buffering=0) as stream:
                for answer in (b"220 hello", b"250 ehlo", b"250 mail", b"250 rcpt", b"354 go on"):
                    stream.write(answer + b"\r\n")
                    stream.readline()
                ended.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        receipt = Mail().send("ada@ours.example", MESSAGE, means(listening.getsockname()[1]))
        ended.set()
        thread.join()
    assert receipt.outcome == "unknown"


def test_it_signs_in_and_says_when_it_is_not_let_in() -> None:
    with mail_server() as boxes:
        right = Mail().send("ada@ours.example", MESSAGE, means(boxes.port, user="kw", password="open sesame"))
        wrong = Mail().send("ada@ours.example", MESSAGE, means(boxes.port, user="kw", password="hunter2"))
    assert (right.outcome, boxes.logins) == ("sent", ["kw"])
    assert (wrong.outcome, "535" in wrong.detail, "hunter2" in wrong.detail) == ("refused", True, False)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_server_without_the_asked_tls_gets_nothing(security: Security) -> None:
    with mail_server() as boxes:
        receipt = Mail().send("ada@ours.example", MESSAGE, means(boxes.port, security=security))
    assert (receipt.outcome, boxes.taken) == ("refused", [])


@pytest.mark.parametrize(
    "target",
    [
        "",
        "ada",
        "a@x.example, evil@y.example",
        "a@x.example evil@y.example",
        '"boss@ours.example" <evil@y.example>',
        "alice@ours.example)bob@ours.example",
        "ada@ours.example\r\nBcc: evil@y.example",
        "ada@ours.example\n",
        "a" * 65 + "@x.example",
        "ada@" + "x" * 300,
    ],
)
def test_anything_but_one_address_is_refused(target: str) -> None:
    if target == "ada@ours.example\n":
        assert Mail().checked(target, means(1)) == "ada@ours.example"
        return
    with pytest.raises(TargetError, match="is not one mail address"):
        Mail().checked(target, means(1))


def test_without_a_mail_server_nothing_is_promised() -> None:
    with pytest.raises(TargetError, match="set mail_host and mail_sender"):
        Mail().checked("ada@ours.example", Means())
    assert Mail().send("ada@ours.example", MESSAGE, Means()).outcome == "failed"
    assert isinstance(Mailboxes(), Mailboxes)
