"""Keeps tests on this machine: sockets reach loopback addresses and Unix sockets only."""

import ipaddress
import socket
from functools import wraps
from typing import Any

import pytest


class NetworkBlockedError(RuntimeError):
    """A test tried to leave this machine. Not an OSError, so that no retry swallows it."""


def is_local(host: object) -> bool:
    """True for loopback, for no host at all, and for this machine's own name, which Spark asks for."""
    if host is None or host in ("", "localhost", _OWN_NAME):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def refuse(target: object) -> None:
    raise NetworkBlockedError(
        f"A test tried to reach {target!r}. Tests stay on this machine: hand the code a fake transport, "
        "or start a server on 127.0.0.1 in a fixture."
    )


def _guard_method(name: str) -> Any:
    original = getattr(socket.socket, name)

    @wraps(original)
    def guarded(sock: socket.socket, *args: Any) -> Any:
        # The address is the last argument of connect, connect_ex and sendto.
        address = args[-1]
        if sock.family != _UNIX and not is_local(address[0]):
            refuse(address)
        return original(sock, *args)

    return guarded


def _guard_lookup(original: Any) -> Any:
    @wraps(original)
    def guarded(host: object, *args: Any, **kwargs: Any) -> Any:
        if not is_local(host):
            refuse(host)
        return original(host, *args, **kwargs)

    return guarded


_OWN_NAME = socket.gethostname()
_UNIX = getattr(socket, "AF_UNIX", None)


def pytest_configure(config: pytest.Config) -> None:
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex", "sendto"):
        patch.setattr(socket.socket, name, _guard_method(name))
    for name in ("getaddrinfo", "gethostbyname"):
        patch.setattr(socket, name, _guard_lookup(getattr(socket, name)))
    config.add_cleanup(patch.undo)
