"""CloudEvents, in its three modes."""

import pytest

from keepwell.facts.inbound import Inbound
from tests.unit.connectors.dialect_case import DIALECTS, KNOWN_AT, SECOND, SERVER, codes, read

# What npm cloudevents 10.0.0 sent over loopback in binary mode.
HEADERS = {
    "content-type": "application/json; charset=utf-8",
    "ce-id": "i#1",
    "ce-time": "2026-11-20T09:59:00.000Z",
    "ce-type": "signed_in",
    "ce-source": "/a#b",
    "ce-specversion": "1.0",
    "ce-subject": "acme",
    "ce-contactid": "ü",
}
DATA = '{"surface":"web","é":1}'.encode()
STRUCTURED = (
    '{"id":"i#1","time":"2026-11-20T09:59:00.000Z","type":"signed_in","source":"/a#b","specversion":"1.0",'
    '"subject":"acme","data":{"surface":"web","é":1},"contactid":"ü"}'
).encode()
EVENT = Inbound("/a%23b#i#1", "signed_in", KNOWN_AT - 60 * SECOND, "acme", "ü", '{"surface":"web","é":1}')


def test_the_three_modes_tell_the_same() -> None:
    structured = {"content-type": "application/cloudevents+json; charset=utf-8"}
    batched = {"content-type": "application/cloudevents-batch+json"}
    assert read("cloudevents", DATA, headers=HEADERS).events == [EVENT]
    assert read("cloudevents", STRUCTURED, headers=structured).events == [EVENT]
    assert read("cloudevents", b"[%s, %s]" % (STRUCTURED, STRUCTURED), headers=batched).events == [EVENT, EVENT]
    assert read("cloudevents", b"[]", headers=batched).received == 0


def test_source_and_id_cannot_be_mistaken_for_others() -> None:
    pairs = [("a", "b#c"), ("a#b", "c"), ("a%23b", "c"), ("a", "b%23c"), ("a#", "b"), ("a", "#b")]
    attributes = {"type": "t", "subject": "acme", "specversion": "1.0"}
    found = read("cloudevents", [{**attributes, "source": source, "id": own} for source, own in pairs])
    assert len({event.message_id for event in found.events}) == len(pairs)


def test_percent_codes_of_headers_are_read_and_never_replaced() -> None:
    (event,) = read("cloudevents", b"", headers={**HEADERS, "ce-id": "%C3%A9%20%25"}).events
    assert event.message_id == "/a%23b#é %"
    for broken in ("%ff", "%ed%a0%80"):
        found = read("cloudevents", b"{}", headers={**HEADERS, "ce-id": broken})
        assert (codes(found), found.events) == (["not_utf8"], [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"id": None}, "message_id_missing"),
        ({"id": ""}, "cloudevent_invalid"),
        ({"id": 7}, "cloudevent_invalid"),
        ({"source": None}, "cloudevent_invalid"),
        ({"type": None}, "cloudevent_invalid"),
        ({"specversion": "2.0"}, "cloudevent_invalid"),
        ({"time": "noon"}, "cloudevent_invalid"),
        ({"time": 7}, "cloudevent_invalid"),
        ({"time": "2026-11-20T09:00:00"}, "cloudevent_invalid"),
        ({"time": "2026-11-22T09:00:00Z"}, "too_far_ahead"),
        ({"traceparent": {"a": 1}}, "cloudevent_invalid"),
        ({"Big": "1"}, "cloudevent_invalid"),
        ({"subject": None}, "no_subject"),
        ({"source": "/" + "s" * 512}, "id_too_long"),
        ({"data": [1]}, "properties_invalid"),
        ({"data": "text"}, "properties_invalid"),
        ({"data_base64": "!"}, "properties_invalid"),
        ({"data_base64": "e30ge30="}, "json_invalid"),
        ({"data_base64": "eyJhIjoxLCJhIjoxfQ=="}, "key_twice"),
        ({"type": "payment_failed"}, "needs_server_key"),
    ],
)
def test_what_is_no_event_is_refused_alone(change: dict[str, object], code: str) -> None:
    good = {"id": "1", "source": "/a", "type": "t", "subject": "acme", "specversion": "1.0"}
    found = read("cloudevents", [good, {**good, **change}, good])
    assert codes(found) == [code]
    assert len(found.events) == 2


def test_the_library_makes_up_neither_id_nor_time() -> None:
    event = {"id": "1", "source": "/a", "type": "t", "subject": "acme", "specversion": "1.0"}
    assert read("cloudevents", event).events == [Inbound("/a#1", "t", KNOWN_AT, "acme", None, "")]
    coded = {**event, "data_base64": "eyJhIjoxfQ==", "time": None, "dataschema": None}
    assert [one.props for one in read("cloudevents", coded).events] == ['{"a":1}']


@pytest.mark.parametrize("data", [b'{"a":NaN}', b'{"a":1,"a":1}', b'{"a":', b'1,"id":"x"', b"[" * 9000 + b"]" * 9000])
def test_bad_data_in_binary_mode_is_one_refusal_that_can_be_mended(data: bytes) -> None:
    found = read("cloudevents", data, headers=HEADERS)
    assert found.received == len(found.refusals) == 1
    (refusal,) = found.refusals
    assert refusal.message_id == EVENT.message_id
    mended = b'{"data":{"surface":"web","\xc3\xa9":1},' + refusal.body[1 : refusal.body.index(b',"data')] + b"}"
    assert DIALECTS["cloudevents"].replay(mended, SERVER, known_at=KNOWN_AT).events == [EVENT]
