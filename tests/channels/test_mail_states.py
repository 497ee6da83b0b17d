"""What becomes of a mail at each stage, for each thing a server can do, against servers that nobody here wrote."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from keepwell.channels.contact_mail import ContactMail
from tests.channels.letters import LARGE, MESSAGE, server
from tests.channels.npm_mail_server import NpmMailServer, npm_mail_server
from tests.channels.peers import SILENCE, mail_server
from tests.house.repository import ROOT

BEFORE = "greeting, TLS, login"
ASKING = "`MAIL`, `RCPT`, `DATA`"
CONTENT = "the content"
DOT = "after the final dot"
ROWS = {
    BEFORE: {"421, 451": "refused", "550, 552": "refused", "silence": "refused", "lost link": "refused"},
    ASKING: {"421, 451": "refused", "550, 552": "failed", "silence": "refused", "lost link": "refused"},
    CONTENT: {"421, 451": "–", "550, 552": "–", "silence": "refused", "lost link": "refused"},
    DOT: {"421, 451": "refused", "550, 552": "failed", "silence": "unknown", "lost link": "unknown"},
}
STAGES = {"greeting": BEFORE, "login": BEFORE, "MAIL": ASKING, "RCPT": ASKING, "content": CONTENT, "final dot": DOT}
AIO_STAGES = {"MAIL": ASKING, "RCPT": ASKING, "DATA command": ASKING, "DATA": DOT}
HOWS = {
    "421": "421, 451", "451": "421, 451", "550": "550, 552", "552": "550, 552", "silence": "silence",
    "reset": "lost link",
}  # fmt: skip
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def npm() -> Iterator[NpmMailServer]:
    with npm_mail_server() as found:
        yield found


def sending(port: int, how: str, *, login: bool = False) -> ContactMail:
    return ContactMail(server(port, login="kw" if login else ""), mail_s=2.0 if how == "silence" else PATIENCE_S)


@pytest.mark.clients
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("stage", STAGES)
def test_smtp_server_of_npm_makes_of_it_what_the_table_says(npm: NpmMailServer, stage: str, how: str) -> None:
    expected = ROWS[STAGES[stage]][HOWS[how]]
    if expected == "–":
        return
    npm.plan(stage, how)
    channel = sending(npm.port, how, login=True)
    receipt = channel.send(LARGE if stage == "content" else MESSAGE)
    assert (receipt.outcome, len(npm.taken())) == (expected, int(expected == "unknown"))
    if how.isdigit():
        assert how in receipt.detail
    npm.plan("", "")
    assert channel.send(MESSAGE).outcome == "sent"
    channel.close()
    assert len(npm.taken()) == 1


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("stage", AIO_STAGES)
def test_aiosmtpd_makes_of_it_what_the_table_says(stage: str, how: str) -> None:
    expected = ROWS[AIO_STAGES[stage]][HOWS[how]]
    with mail_server() as boxes:
        boxes.answers[stage] = {"silence": SILENCE, "reset": ""}.get(how, f"{how} 4.2.0 not\r\n".strip())
        channel = sending(boxes.port, how)
        receipt = channel.send(MESSAGE)
        assert (receipt.outcome, len(boxes.taken)) == (expected, int(expected == "unknown"))
        boxes.answers.clear()
        assert channel.send(MESSAGE).outcome == "sent"
        channel.close()
    assert boxes.links == 2


def test_the_page_has_this_table() -> None:
    page = (ROOT / "docs" / "sending.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    head = next(row for row in rows if row[1:] == list(ROWS[DOT]))
    told = {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows if row[0] in ROWS}
    assert told == ROWS


@contextmanager
def speaking(*answers: bytes, slowly_from: int = 99) -> Iterator[int]:
    """A server that gives these answers, whatever it is asked, then no more; from one on a byte at a time."""
    over = threading.Event()

    def serve() -> None:
        link, _ = listening.accept()
        with link, link.makefile("rwb", buffering=0) as stream:
            for place, answer in enumerate(answers):
                if place:
                    read_command(stream, is_content=answers[place - 1].startswith(b"354"))
                for piece in re.findall(rb"(?s).", answer) if place >= slowly_from else [answer]:
                    try:
                        stream.write(piece)
                    except OSError:
                        return
                    if place >= slowly_from and over.wait(0.05):
                        return
            over.wait(PATIENCE_S)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join()


def read_command(stream: object, *, is_content: bool) -> None:
    readline = stream.readline  # type: ignore[attr-defined]
    line = readline()
    while is_content and line not in (b".\r\n", b""):
        line = readline()


YES = (b"220 hello\r\n", b"250 ehlo\r\n", b"250 mail\r\n", b"250 rcpt\r\n", b"354 go on\r\n")


def test_a_server_that_speaks_a_byte_at_a_time_holds_up_no_longer_than_a_mail_may_take() -> None:
    with speaking(b"220 " + b"slow" * 1000 + b"\r\n", slowly_from=0) as port:
        begun = time.monotonic()
        assert ContactMail(server(port), mail_s=0.5).send(MESSAGE).outcome == "refused"
        assert 0.4 < time.monotonic() - begun < PATIENCE_S


def test_a_server_that_speaks_slowly_after_the_final_dot_may_have_taken_the_mail() -> None:
    with speaking(*YES, b"250 " + b"slow" * 1000 + b"\r\n", slowly_from=len(YES)) as port:
        assert ContactMail(server(port), mail_s=1.0).send(MESSAGE).outcome == "unknown"


def test_an_answer_without_end_is_given_up() -> None:
    with speaking(b"220-again and again\r\n" * 10_000) as port:
        receipt = ContactMail(server(port)).send(MESSAGE)
    assert receipt.outcome == "refused"
    assert "the answer has no end" in receipt.detail


def test_an_answer_of_several_lines_is_one_answer() -> None:
    refusal = b"550-5.7.1 this mail\r\n550-5.7.1 is not\r\n550 5.7.1 for us\r\n"
    with speaking(*YES[:2], b"250-first\r\n250 second\r\n", refusal) as port:
        receipt = ContactMail(server(port)).send(MESSAGE)
    assert receipt.outcome == "failed"
    assert receipt.detail == "The mail server answered 550: 5.7.1 this mail 5.7.1 is not 5.7.1 for us"


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((b"220 hello\r\n", b"250 ehlo\r\n", b"hm?\r\n"), "refused"),
        ((*YES[:4], b"250 no need\r\n"), "refused"),
        ((*YES, b"hm?\r\n"), "unknown"),
        ((*YES, b"354 go on\r\n"), "unknown"),
        ((*YES, b"251 elsewhere\r\n", b"221 bye\r\n"), "sent"),
    ],
)
def test_what_is_no_answer_is_taken_for_neither_yes_nor_no(answers: tuple[bytes, ...], outcome: str) -> None:
    with speaking(*answers) as port:
        channel = ContactMail(server(port))
        assert channel.send(MESSAGE).outcome == outcome
        channel.close()


def test_a_server_that_is_away_is_tried_again_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert ContactMail(server(port)).send(MESSAGE).outcome == "refused"


def test_a_login_that_is_refused_costs_no_mail() -> None:
    with mail_server() as boxes:
        wrong = ContactMail(server(boxes.port, login="kw"))
        boxes.password = b"another"
        receipt = wrong.send(MESSAGE)
    assert (receipt.outcome, "535" in receipt.detail, "open sesame" in receipt.detail) == ("refused", True, False)


@pytest.mark.clients
def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing() -> None:
    with npm_mail_server("tls") as found:
        receipt = ContactMail(server(found.port, login="kw", security="tls")).send(MESSAGE)
        assert (receipt.outcome, found.taken()) == ("refused", [])
    assert "CERTIFICATE_VERIFY_FAILED" in receipt.detail


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_server_without_the_asked_tls_gets_nothing(security: str) -> None:
    with mail_server() as boxes:
        receipt = ContactMail(server(boxes.port, security=security)).send(MESSAGE)  # type: ignore[arg-type]
    assert (receipt.outcome, boxes.taken) == ("refused", [])


def test_many_mails_go_over_one_link_and_a_new_one_after_a_hundred() -> None:
    with mail_server() as boxes:
        channel = ContactMail(server(boxes.port))
        assert {channel.send(MESSAGE).outcome for _ in range(101)} == {"sent"}
        channel.close()
        channel.close()
    assert (len(boxes.taken), boxes.links) == (101, 2)
    assert set(boxes.senders) == {"success@ours.example"}


def test_a_link_that_the_server_gave_up_meanwhile_costs_no_mail() -> None:
    with mail_server(timeout=0.3) as boxes:
        channel = ContactMail(server(boxes.port))
        assert channel.send(MESSAGE).outcome == "sent"
        assert boxes.hung_up.wait(PATIENCE_S)
        assert channel.send(MESSAGE).outcome == "sent"
        channel.close()
    assert (len(boxes.taken), boxes.links) == (2, 2)
