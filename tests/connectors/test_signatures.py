"""Who may deliver: whoever signs these very bytes, now, with a secret of the source. S39 of the list of bad input."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from keepwell.base.registry import kinds
from keepwell.connectors.connector import Connector, UnsignedError
from tests.connectors.hook import (
    KNOWN_AT,
    MINUTE,
    OTHER_SECRET,
    SECRET,
    URL,
    Signer,
    connector,
    delivery,
    digest,
    recorded,
    sign_delighted,
    sign_hubspot,
    sign_intercom,
    sign_standard,
    sign_stripe,
    sign_svix,
    sign_zendesk,
)

TIMED = [
    pytest.param("stripe", "invoice_paid", sign_stripe, id="stripe"),
    pytest.param("standard_webhooks", "sale", sign_standard, id="standard"),
    pytest.param("standard_webhooks", "sale", sign_svix, id="svix"),
    pytest.param("survey", "answered", sign_standard, id="survey"),
    pytest.param("zendesk", "ticket_created", sign_zendesk, id="zendesk"),
    pytest.param("hubspot", "changes", sign_hubspot, id="hubspot"),
]
UNTIMED = [
    pytest.param("intercom", "ticket_created", sign_intercom, id="intercom"),
    pytest.param("survey", "delighted", sign_delighted, id="delighted"),
]
every_signature = pytest.mark.parametrize(("kind", "name", "sign"), [*TIMED, *UNTIMED])
every_timed_signature = pytest.mark.parametrize(("kind", "name", "sign"), TIMED)


def is_taken(
    kind: str, body: bytes, headers: Mapping[str, str], *secrets: str, known_at: int = KNOWN_AT, url: str = URL
) -> bool:
    posted = replace(delivery(body, headers, known_at=known_at), url=url)
    try:
        connector(kind).verify(posted, secrets or (SECRET,), {})
    except UnsignedError as error:
        sentence = str(error)
    else:
        return True
    assert sentence.endswith(".")
    assert not any(secret in sentence for secret in (*secrets, SECRET) if secret)
    return False


def test_every_way_in_by_hook_is_tried_here() -> None:
    assert {case.values[0] for case in [*TIMED, *UNTIMED]} == set(kinds("keepwell.connectors.kinds", Connector)) - {
        "mail"
    }


@every_signature
def test_the_right_signature_is_taken(kind: str, name: str, sign: Signer) -> None:
    body = recorded(kind, name)
    assert is_taken(kind, body, sign(body, SECRET, KNOWN_AT))


@every_signature
def test_no_signature_and_a_wrong_one_are_refused(kind: str, name: str, sign: Signer) -> None:
    body = recorded(kind, name)
    right = sign(body, SECRET, KNOWN_AT)
    assert not is_taken(kind, body, {})
    for left_out in right:
        assert not is_taken(kind, body, {key: value for key, value in right.items() if key != left_out})
        assert not is_taken(kind, body, {**right, left_out: ""})
    assert not is_taken(kind, body, sign(body, OTHER_SECRET, KNOWN_AT))


@every_signature
def test_a_body_of_which_one_byte_differs_is_refused(kind: str, name: str, sign: Signer) -> None:
    body = recorded(kind, name)
    headers = sign(body, SECRET, KNOWN_AT)
    for place in (0, len(body) // 2, len(body) - 1):
        altered = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        assert not is_taken(kind, altered, headers)
    assert not is_taken(kind, body[:-1], headers)


@every_signature
def test_the_same_json_spelt_anew_is_refused(kind: str, name: str, sign: Signer) -> None:
    body = recorded(kind, name)
    again = json.dumps(json.loads(body)).encode()
    assert not is_taken(kind, again, sign(body, SECRET, KNOWN_AT))
    assert is_taken(kind, again, sign(again, SECRET, KNOWN_AT))


@every_timed_signature
@pytest.mark.parametrize(("minutes", "taken"), [(-6, False), (-4, True), (4, True), (6, False)])
def test_the_time_of_signing_is_at_most_five_minutes_away(
    kind: str, name: str, sign: Signer, minutes: int, *, taken: bool
) -> None:
    body = recorded(kind, name)
    assert is_taken(kind, body, sign(body, SECRET, KNOWN_AT + minutes * MINUTE)) is taken
    # It is measured from when the delivery came, whatever the clock of this machine says.
    later = KNOWN_AT + 10**15
    assert is_taken(kind, body, sign(body, SECRET, later + minutes * MINUTE), known_at=later) is taken


@every_signature
def test_two_secrets_are_valid_while_they_are_changed(kind: str, name: str, sign: Signer) -> None:
    body = recorded(kind, name)
    for secret in (SECRET, OTHER_SECRET):
        assert is_taken(kind, body, sign(body, secret, KNOWN_AT), OTHER_SECRET, SECRET)
    assert not is_taken(kind, body, sign(body, SECRET, KNOWN_AT), OTHER_SECRET)


@every_signature
def test_a_source_without_a_secret_takes_nothing(kind: str, name: str, sign: Signer) -> None:
    body = recorded(kind, name)
    for secrets in ([], [""], ["  "]):
        with pytest.raises(UnsignedError):
            connector(kind).verify(delivery(body, sign(body, SECRET, KNOWN_AT)), secrets, {})


def listed(kind: str, right: Mapping[str, str], place: int) -> dict[str, str]:
    """A list of a thousand signatures, of which the one at `place` is right."""
    if kind == "stripe":
        time, signature, _ = right["stripe-signature"].split(",")
        wrong = ["v1=" + f"{number:064x}" for number in range(1000)]
        wrong[place] = signature
        return {"stripe-signature": ",".join([time, *wrong])}
    name = next(key for key in right if key.endswith("-signature"))
    wrong = ["v1," + base64.b64encode(b"%032d" % number).decode() for number in range(1000)]
    wrong[place] = right[name]
    return {**right, name: " ".join(wrong)}


@pytest.mark.parametrize(("kind", "name", "sign"), TIMED[:4])
@pytest.mark.parametrize(("place", "taken"), [(0, True), (4, True), (5, False), (999, False)])
def test_only_the_first_five_signatures_of_a_list_are_read(
    kind: str, name: str, sign: Signer, place: int, *, taken: bool
) -> None:
    body = recorded(kind, name)
    assert is_taken(kind, body, listed(kind, sign(body, SECRET, KNOWN_AT), place)) is taken


@pytest.mark.parametrize("text", ["nonsense", "v1", "v1=", "v1,", "t=,v1=", "v1,é", "v1=é", "1e9", "\0", "=,=,=", "٣"])
@every_signature
def test_nonsense_in_any_header_is_refused_in_words(kind: str, name: str, sign: Signer, text: str) -> None:
    body = recorded(kind, name)
    right = sign(body, SECRET, KNOWN_AT)
    for header in right:
        assert not is_taken(kind, body, {**right, header: text})


@every_signature
def test_bytes_that_are_no_text_are_refused_or_at_least_signed(kind: str, name: str, sign: Signer) -> None:
    body = b"\xff\xfe" + recorded(kind, name)
    assert not is_taken(kind, body, sign(recorded(kind, name), SECRET, KNOWN_AT))


def test_a_signature_without_its_version_is_refused() -> None:
    body = recorded("standard_webhooks", "sale")
    headers = sign_standard(body, SECRET, KNOWN_AT)
    bare = headers["webhook-signature"].removeprefix("v1,")
    assert not is_taken("standard_webhooks", body, {**headers, "webhook-signature": bare})
    assert not is_taken("standard_webhooks", body, {**headers, "webhook-signature": f"v2,{bare}"})


@pytest.mark.parametrize("secret", ["whsec_", "whsec_a", "é", "whsec_é"])
def test_a_secret_of_the_wrong_form_is_told_in_words(secret: str) -> None:
    body = recorded("standard_webhooks", "sale")
    assert not is_taken("standard_webhooks", body, sign_standard(body, SECRET, KNOWN_AT), secret)


def test_hubspot_signs_the_address_and_the_method_too() -> None:
    body = recorded("hubspot", "changes")
    headers = sign_hubspot(body, SECRET, KNOWN_AT)
    assert not is_taken("hubspot", body, headers, url="https://other.example/hooks/x")
    stamp = headers["x-hubspot-request-timestamp"].encode()
    put = base64.b64encode(digest(SECRET.encode(), b"PUT" + URL.encode() + body + stamp)).decode()
    assert not is_taken("hubspot", body, {**headers, "x-hubspot-signature-v3": put})


def test_mail_cannot_be_posted() -> None:
    assert not is_taken("mail", recorded("mail", "reply.eml"), {})
