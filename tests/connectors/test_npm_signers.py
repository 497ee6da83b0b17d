"""The packages that senders use sign for us, and we take exactly what they signed."""

import pytest

from keepwell.connectors.connector import UnsignedError
from tests.connectors.hook import KNOWN_AT, OTHER_SECRET, SECRET, connector, delivery, recorded
from tests.node import run_node

pytestmark = pytest.mark.clients

SIGNERS = [
    pytest.param("stripe", "stripe", "subscription_cancelling", id="stripe"),
    pytest.param("standardwebhooks", "standard_webhooks", "sale", id="standardwebhooks"),
    pytest.param("standardwebhooks", "survey", "answered", id="survey"),
]


def signed_by(signer: str, body: bytes, *, secret: str = SECRET, minutes: int = 0) -> dict[str, str]:
    second = KNOWN_AT // 1_000_000 + 60 * minutes
    told = {"signer": signer, "secret": secret, "body": body.decode(), "second": second, "id": "msg_1"}
    answer = run_node("sign.mjs", told)
    assert isinstance(answer, dict)
    headers: dict[str, str] = answer["headers"]
    return headers


@pytest.mark.parametrize(("signer", "kind", "name"), SIGNERS)
def test_what_the_package_signed_is_taken_and_becomes_an_event(signer: str, kind: str, name: str) -> None:
    body = recorded(kind, name)
    posted = delivery(body, signed_by(signer, body))
    connector(kind).verify(posted, [OTHER_SECRET, SECRET], {})
    assert len(connector(kind).read(posted, {}).events) == 1


@pytest.mark.parametrize(("signer", "kind", "name"), SIGNERS)
def test_what_was_tampered_with_is_refused(signer: str, kind: str, name: str) -> None:
    body = recorded(kind, name)
    headers = signed_by(signer, body)
    altered = body.replace(b"harbour", b"harbor", 1)
    assert altered != body
    tampered = [
        delivery(altered, headers),
        delivery(body + b" ", headers),
        delivery(body, signed_by(signer, body, secret=OTHER_SECRET)),
        delivery(body, signed_by(signer, body, minutes=-6)),
        delivery(body, signed_by(signer, body, minutes=6)),
    ]
    for posted in tampered:
        with pytest.raises(UnsignedError):
            connector(kind).verify(posted, [SECRET], {})
