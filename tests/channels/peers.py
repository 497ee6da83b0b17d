"""Real peers on this machine: a mail server and a receiver of hooks, which answer as a test asks."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

SILENCE = "silence"


@dataclass
class Mailboxes:
    """What a mail server took; `answers` replaces its answer to a command by another, "" for hanging up and `SILENCE`
    for none. "DATA" is the answer to the final dot, "DATA command" the one before the content."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    taken: list[EmailMessage] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    links: int = 0
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set when a link that said who it is has ended."""
    password: bytes = b"open sesame"
    logins: list[str] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self.answer("MAIL", server)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self.answer("RCPT", server)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if not self.answers.get("DATA", "").startswith(("4", "5")):
            assert isinstance(envelope.content, bytes)
            self.taken.append(message_from_bytes(envelope.content, policy=default))
            self.bodies.append(envelope.content)
            self.to += envelope.rcpt_tos
            self.senders.append(str(envelope.mail_from))
        return await self.answer("DATA", server)

    async def answer(self, command: str, server: SMTP) -> str:
        answer = self.answers.get(command, "250 OK")
        if answer == SILENCE:
            await asyncio.Event().wait()
        if answer == "":
            assert server.transport is not None
            server.transport.abort()
        return answer

    def check(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        is_right = isinstance(data, LoginPassword) and data.password == self.password
        if is_right:
            self.logins.append(data.login.decode())
        return AuthResult(success=is_right, handled=is_right)


class _Server(SMTP):
    """Counts its links, and may refuse a command that the library lets no handler refuse."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.event_handler.links += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.session is not None and self.session.host_name:
            self.event_handler.hung_up.set()
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        answer = await self.event_handler.answer("DATA command", self)
        if answer == "250 OK":
            await super().smtp_DATA(arg)
        elif answer:
            await self.push(answer)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Server(self.handler, **self.SMTP_kwargs)


Boxes = TypeVar("Boxes", bound=Mailboxes)


@contextmanager
def mail_server(**more: Any) -> Iterator[Mailboxes]:
    """A mail server on a free port."""
    with served(Mailboxes(), **more) as boxes:
        yield boxes


@contextmanager
def served(boxes: Boxes, **more: Any) -> Iterator[Boxes]:
    """The same with boxes of one's own."""
    controller = _Controller(
        boxes, hostname="127.0.0.1", port=free_port(), authenticator=boxes.check, auth_require_tls=False, **more
    )
    controller.start()
    boxes.port = controller.port
    # The library tries the port itself.
    boxes.links = 0
    try:
        yield boxes
    finally:
        controller.stop()


@dataclass
class Hook:
    """What a receiver of hooks took. `status` is its answer; 0 for hanging up instead."""

    url: str = ""
    status: int = 200
    location: str = ""
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    gate: threading.Event | None = None
    """The receiver answers only after this is set."""


@contextmanager
def hook_receiver(tls: ssl.SSLContext | None = None) -> Iterator[Hook]:
    """A receiver of hooks on a free port, in TLS if it is given how."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            hook.paths.append(self.path)
            hook.headers.append(dict(self.headers))
            if hook.gate is not None:
                hook.gate.wait(30)
            if hook.status == 0:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(hook.status)
            if hook.location:
                self.send_header("Location", hook.location)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        # What follows a redirect asks by GET.
        do_GET = do_POST  # noqa: N815  # the library calls it so

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as the parent has it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    hook.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    try:
        yield hook
    finally:
        if hook.gate is not None:
            hook.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def answering(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """The address of a receiver that reads one request and then does as it is told, until the event is set."""
    over = threading.Event()

    def take(listener: socket.socket) -> None:
        link, _ = listener.accept()
        with link:
            link.recv(65_536)
            # Whoever asked may hang up.
            with suppress(OSError):
                answer(link, over)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=take, args=(listener,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join()
