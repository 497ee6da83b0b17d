"""Hooks against a real receiver: answers and their bounds, and the guard that keeps them out of private networks."""

import io
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from keepwell.base.registry import kinds
from keepwell.channels import kinds as channel_kinds
from keepwell.channels.channel import Channel, Means, TargetError
from keepwell.channels.hook_link import LIMITS, HookLimits
from keepwell.channels.kinds.apprise import Apprise
from keepwell.channels.kinds.slack import Slack
from keepwell.channels.public_net import UNREACHABLE, is_plainly_private, is_public, public_only
from keepwell.facts.message import Message
from tests.channels.peers import answering, free_port, hook_receiver

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
MESSAGE = Message("0f" * 16, "Critical: <!channel> & Co – below 20", "The score fell.\nSee: https://k.example/a\n", NOW)
OPEN, CLOSED = Means(allows_private=True), Means()
SECRET = "/services/T000/B000/XXXX-secret"
SIGNED = " whsec_" + "c2VjcmV0" * 4
HOOKS = ("slack", "teams", "webhook")
ALL = (*HOOKS, "apprise")

# Everything that must not be reached, from the table of addresses in use today.
INTERNAL = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "192.88.99.1", "168.63.129.16",
    "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "fec0::1", "fe80::1%eth0",
]  # fmt: skip
SPELT = ["0177.0.0.1", "2130706433", "127.1", "0x7f.1", "①②⑦.⓪.⓪.①", "localhost", "LOCALHOST.", "db.internal"]


def test_slack_gets_the_text_and_no_name_in_it_calls_everybody() -> None:
    with hook_receiver() as hook:
        assert Slack().send(hook.url + SECRET, MESSAGE, OPEN).outcome == "sent"
    assert hook.paths == [SECRET]
    assert hook.headers[0]["Content-Type"].startswith("application/json")
    assert json.loads(hook.bodies[0]) == {
        "text": "*Critical: &lt;!channel&gt; &amp; Co – below 20*\nThe score fell.\nSee: https://k.example/a\n"
    }


def target(kind: str, url: str) -> str:
    """Where a kind is to post, at a receiver."""
    if kind == "apprise":
        return url.replace("http:", "json:") + SECRET
    return url + SECRET + (SIGNED if kind == "webhook" else "")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a log of everything would hold."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_no_log_holds_where_a_message_went(log: io.StringIO) -> None:
    logging.getLogger("other").debug("heard")
    with hook_receiver() as hook:
        assert Slack().send(hook.url + SECRET, MESSAGE, OPEN).outcome == "sent"
        assert Apprise().send(hook.url.replace("http:", "json:") + SECRET, MESSAGE, OPEN).outcome == "sent"
        hook.status = 0
        assert Apprise().send(hook.url.replace("http:", "json:") + SECRET, MESSAGE, OPEN).outcome == "unknown"
    assert "heard" in log.getvalue()
    assert "secret" not in log.getvalue()


def test_apprise_gets_title_and_body() -> None:
    with hook_receiver() as hook:
        target = hook.url.replace("http:", "json:") + SECRET
        assert Apprise().send(target, MESSAGE, OPEN).outcome == "sent"
        hook.status = 500
        refused = Apprise().send(target, MESSAGE, OPEN)
    told = json.loads(hook.bodies[0])
    assert (told["title"], told["message"].splitlines()) == (MESSAGE.subject, MESSAGE.text.splitlines())
    assert (refused.outcome, refused.detail) == ("refused", "The hook answered 500.")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "sent"), (204, "sent"), (301, "failed"), (400, "failed"), (404, "failed"), (410, "failed"), (429, "refused"),
     (500, "refused"), (502, "unknown"), (503, "refused"), (504, "unknown"), (0, "unknown")],
)  # fmt: skip
@pytest.mark.parametrize("kind", ALL)
def test_each_answer_of_a_hook_has_one_meaning(kind: str, status: int, outcome: str) -> None:
    with hook_receiver() as hook:
        hook.status = status
        receipt = kinds(channel_kinds, Channel)[kind]().send(target(kind, hook.url), MESSAGE, OPEN)
    assert receipt.outcome == outcome
    assert len(hook.bodies) == 1
    assert "secret" not in receipt.detail


@pytest.mark.parametrize("kind", ALL)
def test_a_hook_that_is_away_is_tried_again_later(kind: str) -> None:
    away = target(kind, f"http://127.0.0.1:{free_port()}")
    receipt = kinds(channel_kinds, Channel)[kind]().send(away, MESSAGE, OPEN)
    assert (receipt.outcome, receipt.detail) == ("refused", UNREACHABLE)


@pytest.mark.parametrize("kind", ALL)
def test_a_redirect_is_not_followed(kind: str) -> None:
    with hook_receiver() as hook, hook_receiver() as other:
        hook.status, hook.location = 302, other.url + "/inside"
        assert kinds(channel_kinds, Channel)[kind]().send(target(kind, hook.url), MESSAGE, OPEN).outcome == "failed"
    assert other.paths == []


@pytest.mark.parametrize("kind", ALL)
def test_a_hook_in_a_private_network_is_not_reached_when_a_message_leaves(kind: str) -> None:
    """Whatever a name stood for when it was entered: the address counts as the socket connects."""
    with hook_receiver() as hook:
        named = target(kind, hook.url.replace("127.0.0.1", "localhost"))
        receipt = kinds(channel_kinds, Channel)[kind]().send(named, MESSAGE, CLOSED)
    assert (receipt.outcome, receipt.detail, hook.paths) == ("refused", UNREACHABLE, [])


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_refused(address: str) -> None:
    assert not is_public(address)
    host = f"[{address}]" if ":" in address else address
    if "%" not in address:
        assert is_plainly_private(host)
        with pytest.raises(TargetError, match="does not lie in the public network"):
            Slack().checked(f"https://{host}{SECRET}", CLOSED)


@pytest.mark.parametrize("host", SPELT)
def test_however_they_are_spelt(host: str) -> None:
    assert is_plainly_private(host)
    with pytest.raises(TargetError):
        Slack().checked(f"https://{host}{SECRET}", CLOSED)
    with pytest.raises(TargetError):
        Apprise().checked(f"jsons://{host}/x", CLOSED)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_not(address: str) -> None:
    assert is_public(address)


def test_the_guard_ends_with_its_block() -> None:
    with hook_receiver() as hook:
        with public_only() as watch:
            assert Slack().send(hook.url, MESSAGE, OPEN).outcome == "refused"
        assert watch.was_refused
        assert Slack().send(hook.url, MESSAGE, OPEN).outcome == "sent"


@pytest.mark.parametrize(
    "address",
    ["", "hooks.slack.com/services/x", "ftp://x.example/y", "http://x.example/y", "https://u:p@x.example/y", "file:/x",
     "https:///x", "gopher://x.example", "https://x.example:6379/y", "https://x.example:25/y", "//x.example/y",
     "http:127.0.0.1/", "https://x.example/y#z"],
)  # fmt: skip
@pytest.mark.parametrize("kind", HOOKS)
def test_what_is_no_hook_is_refused(kind: str, address: str) -> None:
    """S18."""
    found = kinds(channel_kinds, Channel)[kind]()
    with pytest.raises(TargetError):
        found.checked(address + (SIGNED if kind == "webhook" else ""), CLOSED)
    assert found.send(address + (SIGNED if kind == "webhook" else " "), MESSAGE, CLOSED).outcome == "refused"


@pytest.mark.parametrize(
    "target",
    ["", "nonsense", "nothing://x", "json://a.example json://b.example", "json://a,json://b", "syslog://", "dbus://"],
)
def test_what_apprise_cannot_tell_anybody_is_refused(target: str) -> None:
    with pytest.raises(TargetError, match="Apprise does not know this"):
        Apprise().checked(target, CLOSED)


def test_targets_are_shown_without_what_lets_somebody_use_them() -> None:
    assert Slack().shown("https://hooks.slack.com" + SECRET) == "hooks.slack.com/…"
    shown = Apprise().shown("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js")
    assert shown == "Discord (discord://…)"


def test_every_channel_tells_people_what_it_is_and_what_it_wants() -> None:
    for kind, channel in kinds(channel_kinds, Channel).items():
        assert channel.kind == kind
        assert channel.title
        assert channel.target
        assert (channel.__doc__ or __import__(channel.__module__, fromlist=["x"]).__doc__ or "").strip()


def test_a_post_may_take_ten_seconds_and_its_answer_64_kilobytes() -> None:
    assert HookLimits() == LIMITS == HookLimits(whole_s=10.0, answer_bytes=65_536)


def test_an_endless_answer_is_cut_off() -> None:
    """S19: ten gigabytes behind a yes. What the link itself holds on the way may be on it still."""
    sent = [0]

    def endless(link: socket.socket, over: threading.Event) -> None:
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while not over.is_set():
            sent[0] += link.send(b"x" * 65_536)

    with answering(endless) as url:
        assert Slack().send(url + SECRET, MESSAGE, OPEN).outcome == "sent"
    assert sent[0] < 20_000_000


def test_an_endless_head_is_cut_off_and_nobody_knows_whether_it_was_taken() -> None:
    def endless(link: socket.socket, over: threading.Event) -> None:
        link.sendall(b"HTTP/1.1 200 OK\r\n")
        while not over.is_set():
            link.sendall(b"X-More: " + b"x" * 1_000 + b"\r\n")

    with answering(endless) as url:
        receipt = Slack(HookLimits(answer_bytes=10_000)).send(url + SECRET, MESSAGE, OPEN)
    assert (receipt.outcome, receipt.detail) == ("unknown", "The link broke before an answer came (OSError).")


@pytest.mark.parametrize(
    ("head", "outcome"), [(b"HTTP/1.1 200 OK\r\nX-Slow: ", "unknown"), (b"HTTP/1.1 200 OK\r\n\r\n", "sent")]
)
def test_an_answer_of_a_byte_at_a_time_ends_with_the_time_that_a_post_has(head: bytes, outcome: str) -> None:
    """S19: each byte comes soon enough, and the whole never. A status that came counts."""

    def slow(link: socket.socket, over: threading.Event) -> None:
        link.sendall(head)
        while not over.wait(0.02):
            link.sendall(b"x")

    begun = time.monotonic()
    with answering(slow) as url:
        receipt = Slack(HookLimits(whole_s=0.3)).send(url + SECRET, MESSAGE, OPEN)
    assert receipt.outcome == outcome
    assert 0.25 < time.monotonic() - begun < 5
    if outcome == "unknown":
        assert receipt.detail == "The hook gave no whole answer within 0.3 seconds."


def test_no_word_of_an_answer_is_shown() -> None:
    def telling(link: socket.socket, over: threading.Event) -> None:
        link.sendall(b"HTTP/1.1 418 inner words\r\nContent-Length: 12\r\n\r\nroot:x:0:0:y")

    with answering(telling) as url:
        receipt = Slack().send(url + SECRET, MESSAGE, OPEN)
    assert (receipt.outcome, receipt.detail) == ("failed", "The hook answered 418.")
