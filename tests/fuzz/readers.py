"""What every reader of the intake promises for any bytes, as functions that raise when a promise is broken.

The first byte of an input chooses how it is handed over (path, key, headers); for a connector the first line holds the
values of its signature headers. The rest is the body.
"""

import gzip
import io
import json
import re
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import keepwell.connectors.dialects
import keepwell.connectors.kinds
from keepwell.base.registry import kinds
from keepwell.connectors.body_key import key_in_body
from keepwell.connectors.connector import Connector, Delivery, UnsignedError
from keepwell.connectors.dialect import Dialect, Sender
from keepwell.connectors.strict_json import FaultError, strict
from keepwell.facts.inbound import (
    EVENT_BYTES,
    LARGEST_INTEGER,
    TEXT_BYTES,
    Inbound,
    Reading,
    Refusal,
    UnreadableError,
)
from keepwell.jobs.inbox import pack_batch, read_batch
from keepwell.web.intake_request import unpacked

KNOWN_AT: Final = 1_795_168_800_000_000
LONGEST_ID: Final = 512
LONGEST_S: Final = 2.0
# What a request of at most 1 MB may become in memory and on disk.
LARGEST_READING: Final = 32 * 1024 * 1024
AFTER_LAST: Final = 253_402_300_800_000_000
TRUSTED: Final = frozenset({"payment_failed", "Payment Failed"})
SENDERS: Final = (Sender(is_trusted=False, trusted_names=TRUSTED), Sender(is_trusted=True, trusted_names=TRUSTED))
DIALECTS: Final = {kind: found() for kind, found in kinds(keepwell.connectors.dialects, Dialect).items()}  # type: ignore[type-abstract]
CONNECTORS: Final = {kind: found() for kind, found in kinds(keepwell.connectors.kinds, Connector).items()}
PATHS: Final[Mapping[str, Sequence[str]]] = {
    "segment": ("/v1/batch", "/v1/track", "/v1/i", "/v1/group", "/v1/page", "/v1/a", "/v1/m", "/v1/nothing"),
    "posthog": ("/batch/", "/capture", "/i/v0/e/", "/e"),
    "cloudevents": ("/v1/cloudevents",),
    "otlp": ("/v1/metrics",),
    "accounts": ("/api/accounts:batch",),
}
CONTENT_TYPES: Final = ("", "application/json", "application/x-protobuf", "application/cloudevents-batch+json")
SIGNATURE_HEADERS: Final[Mapping[str, Sequence[str]]] = {
    "hubspot": ("x-hubspot-signature-v3", "x-hubspot-request-timestamp"),
    "intercom": ("x-hub-signature",),
    "mail": ("subject",),
    "standard_webhooks": ("webhook-id", "webhook-timestamp", "webhook-signature"),
    "stripe": ("stripe-signature",),
    "survey": ("webhook-id", "webhook-timestamp", "webhook-signature", "x-delighted-webhook-signature"),
    "zendesk": ("x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp"),
}
SETTINGS: Final[Sequence[Mapping[str, object]]] = (
    {},
    {
        "keep_text": True,
        "domain": "keepwell.example",
        "account": "data.account.id",
        "currency": "EUR",
        "languages": ["en", "de"],
        "properties": {"customer_tier": "plan"},
        "names": {"deal.won": "expansion_discussed"},
        "props": {"amount": "data.amount", "tags": "data.tags.0"},
        "severity": "priority",
    },
)
SECRET: Final = "whsec_aGFyYm91ciBsaWdodHMsIHF1YXJyeSwgb3JjaGFyZCE="
BETWEEN: Final = b"\x1f"
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
Reader = Callable[[bytes], None]


def read_dialect(kind: str, data: bytes) -> None:
    """Reads a request, and replays what was refused of it."""
    variant, body = data[:1], data[1:]
    choice = variant[0] if variant else 0
    paths = PATHS[kind]
    path = paths[(choice >> 3) % len(paths)]
    told = CONTENT_TYPES[(choice >> 1) & 3]
    headers = {"content-type": told} if told else {}
    if kind == "cloudevents" and choice & 0x80:
        lines = body.split(b"\n", 8)
        names = ("ce-id", "ce-source", "ce-type", "ce-subject", "ce-time", "ce-specversion", "ce-contactid", "ce-x")
        headers |= {name: value.decode("latin-1") for name, value in zip(names, lines[:-1], strict=False)}
        body = lines[-1]
    try:
        reading = DIALECTS[kind].read(body, SENDERS[choice & 1], path=path, headers=headers, known_at=KNOWN_AT)
    except UnreadableError as error:
        check_unreadable(error)
        replay(kind, body)
        return
    check_reading(reading)
    places = [refusal.place for refusal in reading.refusals]
    assert len(set(places)) == len(places), "two refusals have one place"
    assert all(0 <= place < reading.received for place in places), "a refusal stands behind the last event"
    check_as_sent(kind, path, body, reading)
    for refusal in reading.refusals[:20]:
        replay(kind, refusal.body, refusal)


def replay(kind: str, body: bytes, refusal: Refusal | None = None) -> None:
    try:
        again = DIALECTS[kind].replay(body, SENDERS[1], known_at=KNOWN_AT)
    except UnreadableError as error:
        check_unreadable(error)
        return
    check_reading(again)
    if refusal is not None:
        # A list in the place of an event is kept as it is; the ledger counts what a replay makes of it.
        # An account tells its traits and its subscription apart, under ids of one stem.
        most = 2 if kind == "accounts" else 1
        is_one = 1 <= again.received <= most or refusal.body.startswith(b"[")
        assert is_one, f"a kept event is {again.received} events when it is read again"
        ids = sorted({event.message_id.removesuffix(f"/{event.name}") for event in again.events})
        assert not refusal.message_id or not ids or ids == [refusal.message_id], "a kept event changed its id"


def check_as_sent(kind: str, path: str, body: bytes, reading: Reading) -> None:
    """Properties are those that were sent, and a batch holds as many events as it was sent with."""
    if kind not in ("segment", "cloudevents"):
        return
    try:
        sent = strict(body.removeprefix(b"\xef\xbb\xbf"))
    except FaultError:
        return
    if kind == "segment" and isinstance(sent, dict) and isinstance(sent.get("batch"), list) and path != "/v1/m":
        assert reading.received == len(sent["batch"]), "a batch lost or gained events"
    if kind == "segment" and path == "/v1/track" and isinstance(sent, dict) and "batch" not in sent and reading.events:
        wanted = sent.get("properties") or {}
        assert json.loads(reading.events[0].props or "{}") == wanted, "properties are not what was sent"


def read_connector(kind: str, data: bytes) -> None:
    variant, rest = data[:1], data[1:]
    choice = variant[0] if variant else 0
    line, _, body = rest.partition(b"\n")
    values = [value.decode("latin-1") for value in line.split(BETWEEN)]
    headers = {name: values[place % len(values)] for place, name in enumerate(SIGNATURE_HEADERS[kind])}
    if choice & 2:
        headers.popitem()
    settings, connector = SETTINGS[choice & 1], CONNECTORS[kind]
    delivery = Delivery("POST", "https://keepwell.example/hooks/x", headers, body, KNOWN_AT)
    try:
        connector.verify(delivery, [SECRET, "second"], settings)
    except UnsignedError as error:
        assert str(error).endswith("."), "a refusal is not a sentence"
        assert SECRET not in str(error), "a refusal tells the secret"
    try:
        reading = connector.read(delivery, settings)
    except UnreadableError as error:
        check_unreadable(error)
        return
    check_reading(reading)
    for refusal in reading.refusals[:20]:
        try:
            again = connector.replay(refusal.body, refusal.message_id, settings, known_at=KNOWN_AT)
        except UnreadableError as error:
            check_unreadable(error)
        else:
            check_reading(again)


def read_key(data: bytes) -> None:
    found = key_in_body(data)
    assert found is None or 0 < len(found) <= 200
    if found is not None:
        found.encode()


def read_gzip(data: bytes) -> None:
    """As Python's own reader unpacks it, whole, or refused."""
    most = 64 * 1024
    try:
        found = unpacked(data, most)
    except UnreadableError as error:
        check_unreadable(error)
        return
    assert len(found) <= most or found == data, "more was unpacked than is allowed"
    if data.startswith(b"\x1f\x8b"):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as whole:
                wanted = whole.read(most + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise AssertionError(f"damaged gzip was taken as whole: {error}") from error
        assert found == wanted, "a part of the body was left out"
    else:
        assert found == data


def read_strict(data: bytes) -> None:
    try:
        value = strict(data)
    except FaultError as error:
        assert _CODE.fullmatch(error.code)
        return
    check_value(value)
    again = json.loads(data)
    assert again == value or _has_long_number(data), "another reader reads something else"


def check_value(value: object) -> None:
    """Nothing in it that a text or a number of a database cannot hold."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            one.encode()
        elif isinstance(one, float):
            assert one - one == 0, "a number that is not finite"
        elif isinstance(one, dict):
            waiting.extend([*one, *one.values()])
        elif isinstance(one, list):
            waiting.extend(one)


def check_unreadable(error: UnreadableError) -> None:
    assert _CODE.fullmatch(error.code), error.code
    assert error.status in (400, 404, 408, 413), error.status
    assert error.sentence
    error.sentence.encode()


def check_reading(reading: Reading) -> None:
    assert read_batch(pack_batch(reading.events)) == reading.events, "the inbox gives back something else"
    for event in reading.events:
        check_event(event)
    for refusal in reading.refusals:
        assert _CODE.fullmatch(refusal.code), refusal.code
        assert refusal.sentence
        refusal.sentence.encode()
        refusal.message_id.encode()
    size = sum(len(event.props) for event in reading.events) + sum(len(refusal.body) for refusal in reading.refusals)
    assert size <= LARGEST_READING, f"a request became {size:,} bytes"


def check_event(event: Inbound) -> None:
    for name, text in (("message_id", event.message_id), ("name", event.name)):
        assert text, f"{name} is empty"
        check_stored(name, text)
    assert event.account or event.contact, "an event of nobody"
    for name, known in (("account", event.account), ("contact", event.contact)):
        assert known != "", f"{name} is empty"
        check_stored(name, known or "")
    assert 0 <= event.at < AFTER_LAST, event.at
    assert event.at <= KNOWN_AT + 86_400_000_000, "an event of the future"
    if event.props:
        assert len(event.props.encode()) <= EVENT_BYTES, "properties are too large"
        told = strict(event.props.encode())
        assert isinstance(told, dict), "properties are no object"
        check_props(told)


def check_stored(name: str, text: str) -> None:
    assert len(text) <= LONGEST_ID, f"{name} is too long"
    assert "\0" not in text, f"{name} holds NUL"
    text.encode()


def check_props(told: Mapping[str, object]) -> None:
    waiting: list[object] = [told]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            assert "\0" not in one, "a property holds NUL"
            assert len(one.encode()) <= TEXT_BYTES, "a property is too long"
        elif isinstance(one, int):
            assert abs(one) <= LARGEST_INTEGER, "a property is beyond 2^53"
        elif isinstance(one, dict):
            waiting.extend([*one, *one.values()])
        elif isinstance(one, list):
            waiting.extend(one)


def _has_long_number(data: bytes) -> bool:
    return re.search(rb"\d{15}|[eE]", data) is not None


def _of(kind: str, read: Callable[[str, bytes], None]) -> Reader:
    return lambda data: read(kind, data)


def _timed(read: Reader) -> Reader:
    def timed(data: bytes) -> None:
        begun = time.process_time()
        read(data)
        took = time.process_time() - begun
        assert took <= LONGEST_S, f"an input of {len(data):,} bytes took {took:.1f} s"

    return timed


READERS: Final[Mapping[str, Reader]] = {
    name: _timed(read)
    for name, read in {
        **{kind: _of(kind, read_dialect) for kind in DIALECTS},
        **{kind: _of(kind, read_connector) for kind in CONNECTORS},
        "body_key": read_key,
        "gzip": read_gzip,
        "strict_json": read_strict,
    }.items()
}
