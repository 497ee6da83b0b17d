"""Senders, a moment of receipt and short ways to read, for the tests of the dialects."""

import json
from collections.abc import Mapping
from typing import Final

import keepwell.connectors.dialects
from keepwell.base.registry import kinds
from keepwell.connectors.dialect import Dialect, Sender
from keepwell.facts.inbound import Reading

KNOWN_AT: Final = 1_795_168_800_000_000  # 2026-11-20T10:00:00Z
SECOND: Final = 1_000_000
TRUSTED: Final = frozenset({"payment_failed", "Payment Failed"})
BROWSER: Final = Sender(is_trusted=False, trusted_names=TRUSTED)
SERVER: Final = Sender(is_trusted=True, trusted_names=TRUSTED)
DIALECTS: Final = {kind: found() for kind, found in kinds(keepwell.connectors.dialects, Dialect).items()}
PATHS: Final = {
    "accounts": "/api/accounts:batch",
    "segment": "/v1/batch",
    "posthog": "/batch/",
    "cloudevents": "/cloudevents",
    "otlp": "/v1/metrics",
}


def read(
    kind: str,
    body: object,
    path: str = "",
    sender: Sender = BROWSER,
    headers: Mapping[str, str] | None = None,
    known_at: int = KNOWN_AT,
) -> Reading:
    """What a dialect reads from a body: bytes as they are, everything else as JSON."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return DIALECTS[kind].read(text, sender, path=path or PATHS[kind], headers=headers or {}, known_at=known_at)


def props_of(reading: Reading) -> list[object]:
    return [json.loads(event.props or "{}") for event in reading.events]


def codes(reading: Reading) -> list[str]:
    return [refusal.code for refusal in reading.refusals]
