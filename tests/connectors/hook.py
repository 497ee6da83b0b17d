"""What the tests of ways in by hook share: recorded payloads, and signers that are written from the documents."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from keepwell.base.registry import kinds
from keepwell.connectors.connector import Connector, Delivery
from keepwell.facts.inbound import Inbound

FIXTURES: Final = Path(__file__).parent / "fixtures"
KNOWN_AT: Final = 1_790_000_060_000_000
"""A minute after the moment that the recorded payloads tell."""
MINUTE: Final = 60_000_000
URL: Final = "https://keepwell.example/hooks/x"
SECRET: Final = "whsec_" + base64.b64encode(b"harbour lights, quarry, orchard!").decode()
OTHER_SECRET: Final = "whsec_" + base64.b64encode(b"another secret of the same size.").decode()

Signer = Callable[[bytes, str, int], dict[str, str]]


def connector(kind: str) -> Connector:
    return kinds("keepwell.connectors.kinds", Connector)[kind]()


def recorded(kind: str, name: str) -> bytes:
    return (FIXTURES / kind / name).read_bytes() if "." in name else (FIXTURES / kind / f"{name}.json").read_bytes()


def changed(body: bytes, path: str, value: object) -> bytes:
    """The same payload with one member of it replaced."""
    whole = json.loads(body)
    *steps, last = path.split(".")
    inner = whole
    for step in steps:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    if isinstance(inner, list):
        inner[int(last)] = value
    else:
        inner[last] = value
    return json.dumps(whole).encode()


def delivery(body: bytes, headers: Mapping[str, str] | None = None, *, known_at: int = KNOWN_AT) -> Delivery:
    return Delivery("POST", URL, headers or {}, body, known_at)


def read(kind: str, body: bytes, settings: Mapping[str, object] | None = None) -> list[Inbound]:
    """The events of a payload, none of which is refused."""
    reading = connector(kind).read(delivery(body, {"webhook-id": "msg_1"}), settings or {})
    assert reading.refusals == []
    return reading.events


def refused(kind: str, body: bytes, settings: Mapping[str, object] | None = None) -> str:
    """The code of the one refusal, which keeps the bytes."""
    reading = connector(kind).read(delivery(body, {"webhook-id": "msg_1"}), settings or {})
    assert reading.events == []
    (refusal,) = reading.refusals
    assert refusal.body
    assert refusal.sentence.endswith(".")
    return refusal.code


def props(event: Inbound) -> dict[str, object]:
    told: dict[str, object] = json.loads(event.props) if event.props else {}
    return told


def digest(secret: bytes, signed: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(secret, signed, getattr(hashlib, algorithm)).digest()


def sign_stripe(body: bytes, secret: str, at: int) -> dict[str, str]:
    second = at // 1_000_000
    return {"stripe-signature": f"t={second},v1={digest(secret.encode(), b'%d.%b' % (second, body)).hex()},v0=00"}


def sign_standard(body: bytes, secret: str, at: int, prefix: str = "webhook") -> dict[str, str]:
    key, second = base64.b64decode(secret.removeprefix("whsec_")), at // 1_000_000
    signature = base64.b64encode(digest(key, b"msg_1.%d.%b" % (second, body))).decode()
    return {f"{prefix}-id": "msg_1", f"{prefix}-timestamp": str(second), f"{prefix}-signature": f"v1,{signature}"}


def sign_svix(body: bytes, secret: str, at: int) -> dict[str, str]:
    return sign_standard(body, secret, at, "svix")


def sign_zendesk(body: bytes, secret: str, at: int) -> dict[str, str]:
    when = datetime.fromtimestamp(at / 1_000_000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = base64.b64encode(digest(secret.encode(), when.encode() + body)).decode()
    return {"x-zendesk-webhook-signature": signature, "x-zendesk-webhook-signature-timestamp": when}


def sign_intercom(body: bytes, secret: str, at: int) -> dict[str, str]:
    return {"x-hub-signature": "sha1=" + digest(secret.encode(), body, "sha1").hex()}


def sign_hubspot(body: bytes, secret: str, at: int) -> dict[str, str]:
    stamp = str(at // 1_000)
    signature = base64.b64encode(digest(secret.encode(), b"POST" + URL.encode() + body + stamp.encode())).decode()
    return {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp}


def sign_delighted(body: bytes, secret: str, at: int) -> dict[str, str]:
    return {"x-delighted-webhook-signature": "sha256=" + digest(secret.encode(), body).hex()}
