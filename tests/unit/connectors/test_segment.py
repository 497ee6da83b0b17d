"""Segment's dialect: what its clients send, and that nothing else gets through or is lost."""

import json

from keepwell.connectors.dialect import Sender
from keepwell.connectors.dialects.segment import Segment
from keepwell.facts.inbound import Inbound, Reading

KNOWN_AT = 1_795_168_800_000_000  # 2026-11-20T10:00:00Z
BROWSER = Sender(is_trusted=False, trusted_names=frozenset({"payment_failed"}))


def read(body: object, path: str = "/v1/batch", sender: Sender = BROWSER, known_at: int = KNOWN_AT) -> Reading:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Segment().read(text, sender, path=path, headers={}, known_at=known_at)


def test_a_batch_lends_its_account_and_its_clock_to_its_events() -> None:
    event = {
        "type": "track",
        "event": "Signed In",
        "userId": 7,
        "messageId": "m-1",
        "timestamp": "2026-11-20T09:00:00Z",
    }
    found = read({"batch": [event], "sentAt": "2026-11-20T09:30:00Z", "context": {"groupId": "acme"}})
    assert found.events == [Inbound("m-1", "Signed In", KNOWN_AT - 30 * 60_000_000, "acme", "7", "")]
    assert found.refusals == []
