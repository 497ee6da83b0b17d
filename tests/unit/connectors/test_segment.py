"""Segment's dialect: what its clients send, and that nothing else gets through or is lost."""

import json

import pytest

from keepwell.facts.inbound import BATCH_EVENTS, EVENT_BYTES, Inbound, UnreadableError
from tests.unit.connectors.dialect_case import KNOWN_AT, SECOND, SERVER, codes, props_of, read

EVENT = {"type": "track", "event": "Signed In", "userId": "ada", "messageId": "m-1"}


def test_a_batch_lends_its_account_and_its_clock_to_its_events() -> None:
    event = {**EVENT, "userId": 7, "timestamp": "2026-11-20T09:00:00Z"}
    found = read("segment", {"batch": [event], "sentAt": "2026-11-20T09:30:00Z", "context": {"groupId": "acme"}})
    assert found.events == [Inbound("m-1", "Signed In", KNOWN_AT - 1800 * SECOND, "acme", "7", "")]
    assert found.refusals == []


def test_an_event_s_own_context_comes_before_that_of_its_batch() -> None:
    found = read("segment", {"batch": [{**EVENT, "context": {"groupId": "own"}}], "context": {"groupId": "lent"}})
    assert [event.account for event in found.events] == ["own"]


@pytest.mark.parametrize(
    ("paths", "name"),
    [
        (["/v1/track", "/v1/t", "/v1/t/"], "Signed In"),
        (["/v1/identify", "/v1/i"], "contact_updated"),
        (["/v1/group", "/v1/g"], "account_updated"),
        (["/v1/page", "/v1/p"], "page_viewed"),
        (["/v1/screen", "/v1/s"], "screen_viewed"),
        (["/v1/alias", "/v1/a"], "contact_aliased"),
    ],
)
def test_every_call_has_its_path_and_its_letter(paths: list[str], name: str) -> None:
    event = {"event": "Signed In", "userId": "ada", "groupId": "acme", "previousId": "anon", "messageId": "m"}
    for path in paths:
        assert [one.name for one in read("segment", event, path, SERVER).events] == [name]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import"])
def test_every_call_in_a_batch_says_what_it_is(path: str) -> None:
    calls = ["track", "identify", "group", "page", "screen", "alias"]
    batch = [{**EVENT, "type": call, "groupId": "acme", "previousId": "anon"} for call in calls]
    found = read("segment", {"batch": batch}, path, SERVER)
    names = ["Signed In", "contact_updated", "account_updated", "page_viewed", "screen_viewed", "contact_aliased"]
    assert [event.name for event in found.events] == names
    assert codes(read("segment", {"batch": [{**EVENT, "type": "trakc"}, {**EVENT, "type": None}]}, path)) == [
        "unknown_type",
        "unknown_type",
    ]


def test_what_the_sdk_counts_about_itself_is_no_event() -> None:
    assert read("segment", {"series": [{"type": "Counter"}]}, "/v1/m").received == 0


# What unmodified clients sent over loopback, shortened.
PYTHON = """{"batch": [
{"integrations": {}, "anonymousId": null, "properties": {"surface": "web", "caf\\u00e9": 1},
 "timestamp": "2026-11-20T09:00:00.000+00:00", "userId": "u1", "type": "track", "event": "Signed In", "messageId": "a1",
 "context": {"groupId": "acme", "library": {"name": "analytics-python", "version": "2.4.0"}}},
{"integrations": {}, "anonymousId": null, "timestamp": "2026-11-20T09:59:59.500+00:00", "groupId": "acme",
 "context": {"library": {"name": "analytics-python", "version": "2.4.0"}}, "userId": "u1",
 "traits": {"industry": "Chemistry"}, "type": "group", "messageId": "a2"},
{"integrations": {}, "anonymousId": null, "properties": {"url": "https://x"}, "category": "Docs", "userId": "u1",
 "timestamp": "2026-11-20T09:59:59.500+00:00", "type": "page", "name": "API", "messageId": "a3", "context": {}}
], "sentAt": "2026-11-20T10:00:00+00:00", "writeKey": "WKEY"}"""
RUDDER_PYTHON = """{"batch": [
{"integrations": {"All": true}, "anonymousId": null, "timestamp": "2026-11-20T09:59:59.891854+00:00",
 "type": "identify", "context": {"traits": {"email": "a@example.org"},
 "library": {"name": "analytics-python", "version": "2.1.9"}},
 "userId": "u1", "messageId": "r1", "channel": "server"}], "sentAt": "2026-11-20T10:00:00+00:00"}"""
RUDDER_NODE = """{"batch":[
{"type":"track","userId":"u1","event":"Signed In","originalTimestamp":"2026-11-20T09:59:58.000Z",
 "sentAt":"2026-11-20T09:59:59.000Z","messageId":"n1","properties":{"surface":"web"},"context":{"groupId":"acme"}}],
"timestamp":"2026-11-20T09:59:59.500Z","sentAt":"2026-11-20T09:59:59.500Z"}"""
BROWSER_NEXT = """{"timestamp":"2026-11-20T09:59:59.000Z","integrations":{},"userId":"u1","anonymousId":"an-1",
"event":"Signed In","type":"track","properties":{"surface":"web"},"context":{"groupId":"acme","page":{"path":"/"},
"userAgent":"Mozilla/5.0","locale":"en","timezone":"UTC"},"messageId":"ajs-next-1-x","writeKey":"WKEY",
"sentAt":"2026-11-20T10:00:00.000Z","_metadata":{"bundled":[]}}"""


def test_what_the_clients_send_is_understood() -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    first, second, third = read("segment", PYTHON.encode()).events
    assert first == Inbound("a1", "Signed In", KNOWN_AT - 3600 * SECOND, "acme", "u1", '{"surface":"web","café":1}')
    assert (second.account, second.contact, second.props) == ("acme", "u1", '{"industry":"Chemistry"}')
    assert json.loads(third.props) == {"url": "https://x", "name": "API", "category": "Docs"}
    assert props_of(read("segment", RUDDER_PYTHON.encode())) == [{"email": "a@example.org"}]
    (node,) = read("segment", RUDDER_NODE.encode(), headers=form).events
    assert node == Inbound("n1", "Signed In", KNOWN_AT - SECOND, "acme", "u1", '{"surface":"web"}')
    (browser,) = read("segment", BROWSER_NEXT.encode(), "/v1/t", headers={"content-type": "text/plain"}).events
    assert browser == Inbound("ajs-next-1-x", "Signed In", KNOWN_AT - SECOND, "acme", "u1", '{"surface":"web"}')


def at_of(**fields: object) -> int:
    (event,) = read("segment", {"batch": [{**EVENT, **fields}]}).events
    return event.at


def test_the_clock_of_the_sender_is_put_right_within_reason() -> None:
    assert at_of() == KNOWN_AT
    assert at_of(timestamp="2026-11-20T09:00:00Z") == KNOWN_AT - 3600 * SECOND
    assert at_of(timestamp="2026-11-20T11:00:00+02:00") == KNOWN_AT - 3600 * SECOND
    assert at_of(timestamp="2026-11-20T09:00:00") == KNOWN_AT - 3600 * SECOND
    assert at_of(timestamp="2026-11-20T15:00:00Z") == KNOWN_AT + 5 * 3600 * SECOND
    # A clock that is a day ahead.
    assert at_of(timestamp="2026-11-21T09:00:00Z", sentAt="2026-11-21T09:00:05Z") == KNOWN_AT - 5 * SECOND
    # The older of two names for one thing comes first.
    assert at_of(timestamp="2026-11-20T08:00:00Z", originalTimestamp="2026-11-20T09:00:00Z") == KNOWN_AT - 3600 * SECOND
    # A clock that jumped between event and sending: behind the receipt, and before 1970.
    assert at_of(timestamp="2026-11-20T09:00:00Z", sentAt="2026-11-20T08:00:00Z") == KNOWN_AT
    assert at_of(timestamp="2026-11-20T09:00:00Z", sentAt="9999-01-01T00:00:00Z") == KNOWN_AT
    # A time of sending that is none says nothing.
    assert at_of(timestamp="2026-11-20T09:00:00Z", sentAt="soon") == KNOWN_AT - 3600 * SECOND


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"timestamp": "2026-11-21T10:00:01Z"}, "too_far_ahead"),
        ({"timestamp": "9999-12-31T23:59:59Z"}, "too_far_ahead"),
        ({"timestamp": "2026-11-22T10:00:00Z", "sentAt": "2026-11-20T10:00:00Z"}, "too_far_ahead"),
        ({"timestamp": "1969-12-31T23:59:59Z"}, "time_out_of_range"),
        ({"timestamp": "yesterday"}, "time_unreadable"),
        ({"timestamp": 1_795_168_800}, "time_unreadable"),
        ({"userId": None}, "no_subject"),
        ({"userId": ""}, "no_subject"),
        ({"userId": True}, "id_invalid"),
        ({"userId": {"id": 7}}, "id_invalid"),
        ({"userId": "x" * 513}, "id_too_long"),
        ({"userId": 10**4000}, "id_too_long"),
        ({"userId": "a\0"}, "nul"),
        ({"messageId": ["m"]}, "id_invalid"),
        ({"messageId": "m" * 513}, "id_too_long"),
        ({"event": ""}, "name_missing"),
        ({"event": 7}, "name_missing"),
        ({"event": "a\0"}, "nul"),
        ({"properties": [1]}, "properties_invalid"),
        ({"properties": "x"}, "properties_invalid"),
        ({"type": "group", "groupId": None}, "no_subject"),
        ({"type": "identify", "userId": None, "context": {"groupId": "acme"}}, "no_subject"),
        ({"type": "alias", "previousId": None}, "no_subject"),
        ({"type": "alias", "previousId": "bob", "userId": None, "context": {"groupId": "acme"}}, "no_subject"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_a_code_and_alone(fields: dict[str, object], code: str) -> None:
    found = read("segment", {"batch": [EVENT, {**EVENT, **fields}, EVENT]})
    assert codes(found) == [code]
    assert [refusal.place for refusal in found.refusals] == [1]
    assert len(found.events) == 2
    assert found.refusals[0].sentence.endswith((".", "…"))


def test_ids_pass_unaltered() -> None:
    ids = ["a", "a\u200b", "\u202ea", "e\u0301", "\u00e9", "\U0001f469\u200d\U0001f680", "I", "ı", "i", "İ", " a", "A"]
    found = read("segment", {"batch": [{**EVENT, "userId": one, "messageId": one} for one in ids]})
    assert [event.contact for event in found.events] == ids
    assert [event.message_id for event in found.events] == ids
    numbers = {"7": 7, "7.5": 7.5, "12": 12.0, "1234567890123456789": 1234567890123456789}
    found = read("segment", {"batch": [{**EVENT, "userId": one} for one in numbers.values()]})
    assert [event.contact for event in found.events] == list(numbers)


def test_a_message_id_may_be_longer_than_segment_s() -> None:
    assert read("segment", {"batch": [{**EVENT, "messageId": "m" * 512}]}).events[0].message_id == "m" * 512


def test_an_event_without_an_id_gets_one_of_its_own() -> None:
    bare = {"type": "track", "event": "A", "userId": "ada", "timestamp": "2026-11-20T09:00:00Z"}

    def ids(*batch: object, known_at: int = KNOWN_AT, **around: object) -> list[str]:
        return [event.message_id for event in read("segment", {"batch": batch, **around}, known_at=known_at).events]

    (told,) = ids(bare)
    assert told.startswith("auto-")
    assert len(told) == 37
    again = ids({**bare, "event": "B"}, bare, known_at=KNOWN_AT + SECOND, sentAt="2026-11-20T10:00:00Z")
    assert again[1] == told != again[0]
    assert [event.message_id for event in read("segment", bare, "/v1/t").events] == [told]
    # Two alike without a time are two.
    assert len(set(ids({**bare, "timestamp": None}, {**bare, "timestamp": None}))) == 2


def test_an_untrusted_key_cannot_say_what_only_a_server_knows() -> None:
    trusted = [
        {**EVENT, "event": "payment_failed"},
        {**EVENT, "event": "Payment Failed"},
        {**EVENT, "type": "alias", "previousId": "bob"},
        {**EVENT, "event": "contact_aliased", "properties": {"previous_id": "bob"}},
        {**EVENT, "type": "identify", "traits": {"email": "a@b.c", "Marketing-Consent": True}},
        {**EVENT, "type": "identify", "context": {"traits": {"opted_out": False}}},
        {**EVENT, "type": "group", "groupId": "acme", "traits": {"Plan": "enterprise"}},
        {**EVENT, "type": "group", "groupId": "acme", "traits": {"ownerEmail": "me@b.c"}},
        {**EVENT, "event": "account_updated", "properties": {"MRR": 1}},
        {**EVENT, "event": "Account Updated", "properties": {"annual revenue": 1}},
    ]
    found = read("segment", {"batch": trusted})
    assert codes(found) == ["needs_server_key"] * len(trusted)
    assert "'Marketing-Consent'" in found.refusals[4].sentence
    assert not read("segment", {"batch": trusted}, sender=SERVER).refusals
    # A property of an ordinary event tells no trait.
    assert not read("segment", {"batch": [{**EVENT, "properties": {"plan": "x", "revenue": 3}}]}).refusals


def test_neither_address_nor_device_nor_key_stays_behind() -> None:
    event = {**EVENT, "context": {"ip": "203.0.113.7", "userAgent": "Mozilla"}, "writeKey": "ing_secret"}
    strange = b'{"batch":[%s]}' % json.dumps({**event, "properties": {"x": 1}}).replace("1}", "NaN}").encode()
    for found in (
        read("segment", event, "/v1/t"),
        read("segment", {**event, "userId": None}, "/v1/t"),
        read("segment", strange),
    ):
        assert found.received == 1
        kept = repr(found)
        assert "203.0.113.7" not in kept
        assert "Mozilla" not in kept
        assert "ing_secret" not in kept


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        (b"", "json_invalid", 400),
        (b"{", "json_invalid", 400),
        (b'{"batch":[{"event":tru}]}', "json_invalid", 400),
        (b'{"batch":[{"a":1},]}', "json_invalid", 400),
        (b'{"batch":[NaN,{"a":}]}', "json_invalid", 400),
        (b"[" * 100_000, "json_invalid", 400),
        (b"[]", "not_an_object", 400),
        (b"7", "not_an_object", 400),
        (b'{"batch":{}}', "no_batch", 400),
        (b'{"batch":[],"batch":[]}', "key_twice", 400),
        (b'{"batch":[' + b",".join([b"1"] * (BATCH_EVENTS + 1)) + b"]}", "too_many_events", 413),
        (b'{"batch":[NaN,' + b",".join([b"1"] * BATCH_EVENTS) + b"]}", "too_many_events", 413),
    ],
)
def test_what_is_no_request_is_answered_as_a_whole(body: bytes, code: str, status: int) -> None:
    with pytest.raises(UnreadableError) as error:
        read("segment", body)
    assert (error.value.code, error.value.status) == (code, status)


def test_a_path_that_is_none_is_not_found() -> None:
    with pytest.raises(UnreadableError) as error:
        read("segment", {}, "/v1/tracks")
    assert error.value.status == 404


def test_as_many_events_as_segment_takes_are_taken() -> None:
    assert len(read("segment", {"batch": [EVENT] * BATCH_EVENTS}).events) == BATCH_EVENTS
    assert read("segment", {"batch": []}).received == 0


def test_an_event_that_is_too_large_is_refused_alone() -> None:
    large = {f"k{number}": "x" * 8000 for number in range(EVENT_BYTES // 8000)}
    taken = {**EVENT, "properties": large}
    refused = {**EVENT, "properties": {**large, "one": "x" * 8000}}
    found = read("segment", {"batch": [refused, taken, EVENT]})
    assert codes(found) == ["too_large"]
    assert len(found.events) == 2
    assert codes(read("segment", refused, "/v1/track")) == ["too_large"]


def test_php_s_empty_objects_are_empty_objects() -> None:
    assert read("segment", {"batch": [{**EVENT, "properties": [], "context": []}]}).events[0].props == ""


def test_a_byte_order_mark_is_no_part_of_the_event() -> None:
    assert read("segment", b"\xef\xbb\xbf" + json.dumps(EVENT).encode(), "/v1/track").received == 1
