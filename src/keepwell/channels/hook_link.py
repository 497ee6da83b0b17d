"""Posts to a hook: one request, its answer within bounds, and what that says of the message.

Until the first byte of the request is sent, the hook has not taken it, whatever happens. From then on it may have,
until it answers. Only its status counts; what else it answers is read up to a limit and shown nowhere.
"""

import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Final

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from keepwell.channels.channel import CONNECT_S
from keepwell.channels.hook_status import told_by_status
from keepwell.channels.public_net import UNREACHABLE, PrivateError
from keepwell.facts.message import Receipt

HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80
_PIECE: Final = 8 * 1024


@dataclass(frozen=True, slots=True)
class HookLimits:
    """How long one post may take, besides looking the name up, and how much of an answer is read, its head included."""

    whole_s: float = 10.0
    answer_bytes: int = 64 * 1024


LIMITS: Final = HookLimits()


class _Bounded(io.RawIOBase):
    """What a socket receives, until the deadline and up to so many bytes."""

    def __init__(self, sock: socket.socket, deadline: float, most: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise OSError("the answer has no end")
        self._sock.settimeout(_seconds_to(self._deadline))
        count = self._sock.recv_into(memoryview(buffer)[: self._left])
        self._left -= count
        return count


class _Answer(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, deadline: float, most: int, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp.close()
        self.fp = io.BufferedReader(_Bounded(sock, deadline, most), _PIECE)


def read_address(text: str) -> Url | None:
    """The address of a hook; None for what is none, or holds a name, a password or a fragment."""
    try:
        url = parse_url(text)
    except LocationParseError:
        return None
    return url if url.scheme in ("http", "https") and url.host and not url.auth and not url.fragment else None


def posted(url: Url, headers: Mapping[str, str], body: bytes, limits: HookLimits = LIMITS) -> Receipt:
    """Post once. Redirects are not followed, and nothing is raised for what the hook or the network does."""
    deadline = time.monotonic() + limits.whole_s
    try:
        sock = _connected(url, deadline)
    except (OSError, UnicodeError):
        return Receipt("refused", UNREACHABLE)
    try:
        return told_by_status(_status(url, sock, headers, body, deadline, limits.answer_bytes))
    except TimeoutError:
        return Receipt("unknown", f"The hook gave no whole answer within {limits.whole_s:g} seconds.")
    except (OSError, HTTPException) as error:
        return Receipt("unknown", f"The link broke before an answer came ({type(error).__name__}).")
    finally:
        sock.close()


def _connected(url: Url, deadline: float) -> socket.socket:
    """A socket to the first address of the name that takes it, in TLS for https. The name is looked up once."""
    host = _host(url)
    port = url.port or (HTTPS_PORT if url.scheme == "https" else HTTP_PORT)
    problem = OSError("the name has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(min(CONNECT_S, _seconds_to(deadline)))
            sock.connect(address)
            sock.settimeout(_seconds_to(deadline))
            return _in_tls(sock, host) if url.scheme == "https" else sock
        except PrivateError:
            # A name that also stands for a private address is used at none of its addresses.
            sock.close()
            raise
        except OSError as error:
            sock.close()
            problem = error
    raise problem


def _in_tls(sock: socket.socket, host: str) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context.wrap_socket(sock, server_hostname=host)


def _status(url: Url, sock: socket.socket, headers: Mapping[str, str], body: bytes, deadline: float, most: int) -> int:
    link = HTTPConnection(_host(url), url.port)
    link.sock = sock
    link.putrequest("POST", url.request_uri, skip_host=True)
    told = {"Host": url.netloc or "", "User-Agent": "Keepwell", "Connection": "close", **headers}
    for name, value in told.items():
        link.putheader(name, value)
    link.putheader("Content-Length", str(len(body)))
    link.endheaders()
    sock.settimeout(_seconds_to(deadline))
    sock.sendall(body)
    answer = _Answer(sock, method="POST", deadline=deadline, most=most)
    answer.begin()
    try:
        while answer.read(_PIECE):
            pass
    except (OSError, HTTPException):
        # The status is known, and nothing else of the answer counts.
        pass
    return answer.status


def _host(url: Url) -> str:
    return (url.host or "").strip("[]")


def _seconds_to(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is over")
    return left
