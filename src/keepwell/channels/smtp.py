"""Handing mails to a mail server: a link to it, one mail over the link, and what each of its answers means.

Until the final dot of a mail is sent, the server has not taken it, whatever happens. From then on it may have, until it
answers. Only that moment makes a mail `unknown`.
"""

import re
import smtplib
import socket
import ssl
import time
from typing import Final

from keepwell.channels.channel import ANSWER_S, MailServer
from keepwell.facts.message import Receipt

MAIL_S: Final = 60.0
"""How long one mail may take from the first byte to the last answer, however slowly a server speaks."""
BROKEN: Final = (OSError, ValueError)
"""What a link raises when it cannot be used; a ValueError is an answer that breaks the protocol, or a login that it
cannot carry."""
GOING_DOWN: Final = 421
_GO_ON: Final = 354
_LONGEST_REASON: Final = 200
_LARGEST_ANSWER: Final = 64 * 1024
_PIECE: Final = 16 * 1024
_DOT_AT_LINE: Final = re.compile(rb"(?m)^\.")


class _Answers:
    """Reads the lines of an answer, however they come, but never longer than the link has left."""

    def __init__(self, link: "Link") -> None:
        self._link = link
        self._held = b""
        self.read = 0

    def readline(self, most: int) -> bytes:
        while b"\n" not in self._held and len(self._held) < most:
            piece = self._link.receive()
            self.read += len(piece)
            if self.read > _LARGEST_ANSWER:
                raise OSError("the answer has no end")
            if not piece:
                break
            self._held += piece
        end = self._held.find(b"\n") + 1 or len(self._held)
        line, self._held = self._held[: min(end, most)], self._held[min(end, most) :]
        return line

    def close(self) -> None:
        self._held = b""


class Link(smtplib.SMTP):
    """A server that has greeted us. No wait for it goes beyond `deadline`, by the monotonic clock."""

    def __init__(self, server: MailServer, deadline: float) -> None:
        self.step_s = ANSWER_S
        self.deadline = deadline
        super().__init__(server.host, server.port, timeout=_left(deadline, ANSWER_S))

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _Answers(self)
        self.file.read = 0
        return super().getreply()

    def receive(self) -> bytes:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        self.sock.settimeout(_left(self.deadline, self.step_s))
        return self.sock.recv(4096)

    def send_content(self, content: bytes) -> None:
        for start in range(0, len(content), _PIECE):
            if self.sock is not None:
                self.sock.settimeout(_left(self.deadline, self.step_s))
            self.send(content[start : start + _PIECE])


class _TlsLink(Link, smtplib.SMTP_SSL):
    """The same in TLS from the first byte."""

    def __init__(self, server: MailServer, deadline: float) -> None:
        self.step_s = ANSWER_S
        self.deadline = deadline
        smtplib.SMTP_SSL.__init__(
            self, server.host, server.port, timeout=_left(deadline, ANSWER_S), context=ssl.create_default_context()
        )


def opened(server: MailServer, deadline: float) -> Link:
    """A link in TLS and signed in where the settings say so; raises one of `BROKEN` when it cannot be had."""
    found = (_TlsLink if server.security == "tls" else Link)(server, deadline)
    try:
        if server.security == "starttls":
            found.starttls(context=ssl.create_default_context())
        found.ehlo_or_helo_if_needed()
        if server.login:
            found.login(server.login, server.password)
        if found.sock is not None:
            # The final dot goes alone, and must not wait for an acknowledgement of what went before it.
            found.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        found.close()
        raise
    return found


def handed_over(link: Link, sender: str, target: str, mail: bytes) -> Receipt:
    """Hand one mail over. Unless it was sent, the link is of no further use."""
    try:
        answer = _asked(link, sender, target, mail)
        if answer is not None:
            return answer
        content = _DOT_AT_LINE.sub(b"..", mail)
        link.send_content(content if content.endswith(b"\r\n") else content + b"\r\n")
    except BROKEN as error:
        return unusable(error)
    try:
        # Nobody knows whether the mail is taken until the server says so, so it gets all the time that is left.
        link.step_s = MAIL_S
        link.send_content(b".\r\n")
        code, words = link.getreply()
    except BROKEN as error:
        return Receipt("unknown", f"The link broke while the mail was handed over: {_reason(error)}")
    finally:
        link.step_s = ANSWER_S
    if code // 100 == 2:
        return Receipt("sent")
    return _answered(code, words) if code // 100 in (4, 5) else Receipt("unknown", _answered(code, words).detail)


def unusable(error: Exception) -> Receipt:
    """What a server that cannot be used means for a mail whose final dot was not sent."""
    return Receipt("refused", f"The mail server cannot be used: {_reason(error)}")


def _asked(link: Link, sender: str, target: str, mail: bytes) -> Receipt | None:
    """None when the server waits for the content."""
    code, words = link.mail(sender, [f"size={len(mail)}"] if link.has_extn("size") else [])
    if code // 100 == 2:
        code, words = link.rcpt(target)
    if code // 100 != 2:
        return _answered(code, words)
    code, words = link.docmd("DATA")
    return None if code == _GO_ON else _answered(code, words)


def _answered(code: int, words: bytes) -> Receipt:
    """What an answer other than yes means; one that is no answer at all is no reason to give up."""
    detail = " ".join(f"The mail server answered {code}: {words.decode('utf-8', 'replace')}".split())[:_LONGEST_REASON]
    return Receipt("failed" if 500 <= code < 600 else "refused", detail)


def _left(deadline: float, most: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took longer than a mail may take")
    return min(left, most)


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())[:_LONGEST_REASON]
