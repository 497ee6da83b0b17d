"""Whatever is posted, the answer is events, a refusal with its reason, or one of two errors; never anything else."""

import json
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.base.registry import kinds
from keepwell.connectors.connector import Connector, Delivery, UnsignedError
from keepwell.facts.inbound import BATCH_EVENTS, EVENT_BYTES, Reading, UnreadableError
from tests.connectors.hook import FIXTURES, KNOWN_AT, SECRET, connector, delivery, recorded

KINDS = sorted(kinds("keepwell.connectors.kinds", Connector))
HEADERS = (
    "stripe-signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "svix-id",
    "svix-signature",
    "x-zendesk-webhook-signature",
    "x-zendesk-webhook-signature-timestamp",
    "x-hub-signature",
    "x-hubspot-signature-v3",
    "x-hubspot-request-timestamp",
    "x-delighted-webhook-signature",
)
any_text = st.text(max_size=40)
stamps = st.sampled_from([str(KNOWN_AT // 10**6), str(KNOWN_AT // 10**3), "2026-09-21T14:14:20Z", "-1", "9" * 30])
any_headers = st.dictionaries(st.sampled_from(HEADERS), any_text | stamps, max_size=6)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)
RECORDED = {
    kind: [json.loads(file.read_bytes()) for file in sorted((FIXTURES / kind).glob("*.json"))]
    for kind in KINDS
    if kind != "mail"
}
MAILS = [file.read_bytes() for file in sorted((FIXTURES / "mail").glob("*.eml"))]


def checked(kind: str, posted: Delivery, chosen: Mapping[str, object]) -> Reading | None:
    """What a delivery holds; fails on any error but the two that are promised."""
    with suppress(UnsignedError):
        connector(kind).verify(posted, [SECRET], chosen)
    try:
        reading = connector(kind).read(posted, chosen)
    except UnreadableError:
        return None
    for event in reading.events:
        assert event.message_id
        assert event.name
        assert event.account or event.contact
        assert 0 <= event.at <= posted.known_at + 24 * 3600 * 10**6
        assert len(event.props.encode()) <= EVENT_BYTES
        assert not event.props or isinstance(json.loads(event.props), dict)
    for refusal in reading.refusals:
        assert refusal.code
        assert refusal.sentence.endswith(".")
    return reading


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(body=st.binary(max_size=200), headers=any_headers)
def test_any_bytes_and_headers(kind: str, body: bytes, headers: dict[str, str]) -> None:
    checked(kind, delivery(body, headers), {})


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(value=any_json, headers=any_headers)
def test_any_json(kind: str, value: object, headers: dict[str, str]) -> None:
    checked(kind, delivery(json.dumps(value).encode(), headers), {})


@pytest.mark.parametrize("kind", sorted(RECORDED))
@settings(max_examples=200)
@given(data=st.data())
def test_a_recorded_payload_in_which_anything_may_have_changed(kind: str, data: st.DataObject) -> None:
    whole = json.loads(json.dumps(data.draw(st.sampled_from(RECORDED[kind]))))
    for _ in range(data.draw(st.integers(1, 3))):
        inner = whole
        while isinstance(inner, dict | list) and inner:
            key = data.draw(st.sampled_from(list(inner) if isinstance(inner, dict) else range(len(inner))))
            if not isinstance(inner[key], dict | list) or data.draw(st.booleans()):
                numbers = st.sampled_from([-1, 0, 2**53, 2**63, 10**40, 1e300, -1e300, "1e400", "-5", "NaN"])
                inner[key] = data.draw(any_json | numbers)
                break
            inner = inner[key]
    chosen = data.draw(
        st.sampled_from([{}, {"keep_text": True}, {"account": "detail.id", "names": 3, "props": {"a": 1}}])
    )
    checked(kind, delivery(json.dumps(whole).encode(), {"webhook-id": "msg_1"}), chosen)


@settings(max_examples=150)
@given(mail=st.sampled_from(MAILS), data=st.data())
def test_a_mail_in_which_any_bytes_may_have_changed(mail: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(mail)))
        mail = mail[:place] + data.draw(st.binary(max_size=8)) + mail[place + data.draw(st.integers(0, 8)) :]
    checked("mail", delivery(mail), {"domain": "keepwell.example"})


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"mail"}))
@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"", "json_invalid", id="nothing"),
        pytest.param(b"{", "json_invalid", id="half"),
        pytest.param(b"\xff\xfe", "json_invalid", id="no text"),
        pytest.param(b'{"a": NaN}', "number_not_finite", id="NaN"),
        pytest.param(b'{"a": 1e400}', "number_out_of_range", id="infinite"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "number_out_of_range", id="digits"),
        pytest.param(b'{"id": 1, "id": 2}', "key_twice", id="key twice"),
        pytest.param(b'{"a": "\\ud800"}', "half_surrogate", id="surrogate"),
        pytest.param(b"[" * 100_000, "too_deep", id="brackets"),
        pytest.param(b'{"a":' * 200 + b"1" + b"}" * 200, "too_deep", id="deep"),
    ],
)
def test_what_no_two_readers_agree_on_is_unreadable(kind: str, body: bytes, code: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        connector(kind).read(delivery(body), {})
    assert (caught.value.code, caught.value.status) == (code, 400)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"mail"}))
def test_a_field_of_two_million_characters_is_refused_and_kept(kind: str) -> None:
    words = connector(kind).free_text
    body = json.dumps({"id": "1", "type": "x", min(words, default="comment"): "x" * 2_000_000}).encode()
    (refusal,) = connector(kind).read(delivery(body), {"keep_text": True}).refusals
    assert (refusal.code, refusal.body) == ("too_large", body)
    # Words that are not to be kept are not kept of what is refused either.
    (refusal,) = connector(kind).read(delivery(body), {}).refusals
    assert refusal.code == "too_large"
    assert (b"xxx" in refusal.body) is not bool(words)


@pytest.mark.parametrize("kind", KINDS)
def test_a_user_finds_in_the_text_of_each_kind_what_to_enter_and_what_comes_of_it(kind: str) -> None:
    module = __import__(f"keepwell.connectors.kinds.{kind}", fromlist=["kind"])
    assert module.__doc__ is not None
    assert (f"/hooks/{kind}" in module.__doc__) is (kind != "mail")
    assert "becomes" in module.__doc__ or kind == "standard_webhooks"
    assert connector(kind).title
    assert all(about.endswith(".") for about in connector(kind).options.values())


def test_too_many_changes_at_once_are_not_read() -> None:
    body = json.dumps([{}] * (BATCH_EVENTS + 1)).encode()
    with pytest.raises(UnreadableError, match="changes"):
        connector("hubspot").read(delivery(body), {})


def test_the_same_bytes_give_the_same_events() -> None:
    for kind in KINDS:
        for file in sorted((FIXTURES / kind).iterdir()):
            body = recorded(kind, file.name)
            assert connector(kind).read(delivery(body), {}) == connector(kind).read(delivery(body), {})
