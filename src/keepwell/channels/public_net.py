"""Keeps what leaves us out of private networks: the address is judged as a socket connects to it.

A name can mean another address by the time it is used, and an address can be spelt in many ways; so what counts is
where a socket goes. Python announces each connect to an audit hook before it happens, whichever library asks for it.
"""

import ipaddress
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from socket import inet_aton, inet_ntoa
from typing import Final

UNREACHABLE: Final = "The target cannot be reached, or does not lie in the public network."
"""The same sentence for both, so that nobody can map a private network by asking."""

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
# Not global for us, although some tables call them so: addresses that stand for others, and services of clouds.
_REFUSED: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "192.88.99.0/24", "100.64.0.0/10", "fec0::/10",
        "168.63.129.16/32",
    )
)  # fmt: skip


class PrivateError(OSError):
    """A socket was about to connect to an address outside the public network."""


@dataclass(slots=True)
class Watch:
    """What a guarded piece of work did: whether an address was refused, and whether it went to one that was not."""

    was_refused: bool = False
    has_connected: bool = False


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def public_only() -> Iterator[Watch]:
    """Within it, in this thread, a socket connects to public addresses only; others raise `PrivateError`."""
    _listen()
    watch = Watch()
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)


def is_public(address: str) -> bool:
    """Whether an IP address, as a socket uses it, lies in the public network."""
    try:
        found: _IP = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if any(found.version == network.version and found in network for network in _REFUSED):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def is_plainly_private(host: str) -> bool:
    """Whether a host is this machine's own name or spells a private address, without asking anybody for the name."""
    name = unicodedata.normalize("NFKC", host).strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not is_public(str(ipaddress.ip_address(name)))
    except ValueError:
        pass
    try:
        # 127.1, 0x7f.1 and 2130706433 are spellings that the system's own reader knows.
        return not is_public(inet_ntoa(inet_aton(name)))
    except OSError:
        return False


@cache
def _listen() -> None:
    sys.addaudithook(_judge)


def _judge(event: str, args: tuple[object, ...]) -> None:
    if event not in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        return
    watch = _watch.get()
    if watch is None:
        return
    address = args[1]
    host = address[0] if isinstance(address, tuple) and address else ""
    if not (isinstance(host, str) and is_public(host)):
        watch.was_refused = True
        raise PrivateError(UNREACHABLE)
    watch.has_connected = True
