"""Tests cannot leave the machine, and are told what to do instead."""

import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.network import NetworkBlockedError, is_local

ELSEWHERE = ("192.0.2.1", 9)  # an address that RFC 5737 keeps for documents


@pytest.mark.parametrize(
    "leave",
    [
        lambda: socket.create_connection(ELSEWHERE, timeout=0.1),
        lambda: socket.create_connection(("example.org", 443), timeout=0.1),
        lambda: socket.getaddrinfo("example.org", 443),
        lambda: socket.gethostbyname("example.org"),
        lambda: _udp().sendto(b"x", ELSEWHERE),
        lambda: _udp().connect_ex(ELSEWHERE),
    ],
)
def test_leaving_the_machine_is_refused_with_a_way_out(leave: Callable[[], object]) -> None:
    with pytest.raises(NetworkBlockedError, match=r"a fake transport, or start a server on 127\.0\.0\.1"):
        leave()


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as caller:
        answer, _ = server.accept()
        with answer:
            answer.sendall(b"hello")
        assert caller.recv(5) == b"hello"


def test_unix_sockets_are_open() -> None:
    with TemporaryDirectory() as folder:
        place = str(Path(folder) / "s")
        with (
            socket.socket(socket.AF_UNIX) as server,
            socket.socket(socket.AF_UNIX) as caller,
        ):
            server.bind(place)
            server.listen()
            caller.connect(place)
            assert caller.getpeername() == place


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "", None, b"127.0.0.1"])
def test_these_hosts_are_here(host: object) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["0.0.0.1", "192.168.1.1", "::2", "localhost.example.org", b"example.org", 5])
def test_these_hosts_are_elsewhere(host: object) -> None:
    assert not is_local(host)


class _ClosingSocket(socket.socket):
    def __del__(self) -> None:
        self.close()


def _udp() -> socket.socket:
    return _ClosingSocket(socket.AF_INET, socket.SOCK_DGRAM)
