"""A made-up internet: names that a test gives, and one public address, which leads to receivers on this machine.

Sockets are real. What a socket announces before it connects goes to whoever judges it; nothing goes anywhere else.
"""

import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.channels.peers import Hook, hook_receiver

PUBLIC: Final = "93.184.216.34"
NAME: Final = "hooks.example"


@dataclass
class Net:
    """`names` has the answers to a name, one for each question, the last for all that follow. `went` are the addresses
    that sockets went to, whether anybody was there or not."""

    safe: Hook
    plain: Hook
    names: dict[str, list[str]] = field(default_factory=dict)
    went: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, status: int, location: str = "") -> None:
        for hook in (self.safe, self.plain):
            hook.status, hook.location = status, location

    @property
    def taken(self) -> int:
        return len(self.safe.bodies) + len(self.plain.bodies)

    def lookup(self, host: str) -> str:
        self.asked.append(host)
        answers = self.names.get(host)
        if answers is None:
            return host
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def port(self, address: tuple[Any, ...]) -> int | None:
        """Where the public address leads on this machine; None where nobody listens."""
        hook = {443: self.safe, 80: self.plain}.get(address[1])
        return int(hook.url.rpartition(":")[2]) if hook is not None and address[0] == PUBLIC else None


@contextmanager
def made_up_net(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Net]:
    with hook_receiver(_certified(folder, patch)) as safe, hook_receiver() as plain:
        net = Net(safe, plain)
        # Those of the tests' own guard, which knows this machine only.
        lookup, connect = socket.getaddrinfo.__wrapped__, socket.socket.connect.__wrapped__  # type: ignore[attr-defined]

        def found(host: Any, port: Any, family: int = 0, kind: int = 0, protocol: int = 0, flags: int = 0) -> Any:
            text = host.decode() if isinstance(host, bytes) else str(host)
            # Addresses in any spelling that the system reads, and no question to anybody.
            return lookup(net.lookup(text), port, family, kind, protocol, socket.AI_NUMERICHOST)

        def connected(sock: socket.socket, address: Any) -> None:
            sys.audit("socket.connect", sock, address)
            net.went.append(address[0])
            port = net.port(address)
            if port is None:
                raise ConnectionRefusedError(111, "Connection refused")
            Context().run(connect, sock, ("127.0.0.1", port))

        patch.setattr(socket, "getaddrinfo", _with_names(found))
        patch.setattr(socket.socket, "connect", connected)
        yield net


def _with_names(found: Any) -> Any:
    """Callers name the arguments as the standard library does."""

    def getaddrinfo(
        host: Any,
        port: Any,
        family: int = 0,
        type: int = 0,  # noqa: A002  # as the standard library has it
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        return found(host, port, family, type, proto, flags)

    return getaddrinfo


def _certified(folder: Path, patch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server called `NAME`, whose certificate this process trusts from now on."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=100 * 365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    own = folder / "own.pem"
    own.write_bytes(made.public_bytes(Encoding.PEM))
    secret = folder / "own.key"
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    patch.setenv("SSL_CERT_FILE", str(own))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own, secret)
    return context
