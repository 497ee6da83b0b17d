"""What holds for every dialect: nothing gets lost, nothing is altered, and one bad event harms only itself.

Every property is also held against wrong readers, because one that no mistake can break shows nothing.
"""

import json
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from keepwell.facts.inbound import Reading, UnreadableError
from tests.unit.connectors.dialect_case import DIALECTS, KNOWN_AT, PATHS, SECOND, SERVER, read

POISON: Final = [
    b"NaN",
    b"[-Infinity]",
    b"1e400",
    b"9" * 4000,
    b"9" * 4301,
    b"9" * 5000,
    b"9223372036854775808",
    b"9007199254740993",
    b"-9007199254740993",
    b'"\\u0000"',
    b'{"\\u0000":1}',
    b'"\\ud800"',
    b'"\\udc00 \\ud800"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\x01"',
    b'{"a":1,"a":2}',
    b'{"a":1,"\\u0061":1}',
    b'{"a":1,"a":"\\u0022\\u0022"}',
    b'[{"b":{"a":"\\u0022","a":"\\u0022"}}]',
    b"[" * 21 + b"]" * 21,
    b"[" * 5000 + b"]" * 5000,
    b'{"a":' * 970 + b"1" + b"}" * 970,
    b'"' + b"x" * 8193 + b'"',
    b"{" + b",".join(b'"%d":1' % number for number in range(200)) + b"}",
]


@dataclass(frozen=True)
class Told:
    """An event as a sender means it; `value` is the JSON text of one property."""

    id: str | None
    contact: str
    at: str | None
    value: bytes

    @property
    def is_poison(self) -> bool:
        return self.value in POISON


@dataclass(frozen=True)
class Wire:
    """How a dialect writes events, and a batch of them."""

    kind: str
    names: tuple[str, str, str]
    envelope: tuple[bytes, bytes]
    event: bytes

    def item(self, told: Told) -> bytes:
        values = (told.id, told.contact, told.at)
        pairs = [(name, json.dumps(value).encode()) for name, value in zip(self.names, values, strict=True) if value]
        return (
            b"{"
            + b",".join(b'"%s":%s' % (name.encode(), text) for name, text in pairs)
            + self.event % told.value
            + b"}"
        )

    def batch(self, told: list[Told]) -> bytes:
        return self.envelope[0] + b",".join(self.item(one) for one in told) + self.envelope[1]

    def read(self, body: bytes) -> Reading:
        return read(self.kind, body, sender=SERVER)


WIRES: Final = [
    Wire(
        "segment",
        ("messageId", "userId", "timestamp"),
        (b'{"batch":[', b'],"sentAt":"2026-11-20T09:59:00Z","context":{"groupId":"acme","ip":"::1"}}'),
        b',"type":"track","event":"A","context":{"locale":"de"},"properties":{"x":%s}',
    ),
    Wire(
        "posthog",
        ("uuid", "distinct_id", "timestamp"),
        (b'{"api_key":"k","batch":[', b'],"sent_at":"2026-11-20T09:59:00Z"}'),
        b',"event":"a","properties":{"x":%s,"$lib":"web"}',
    ),
    Wire(
        "cloudevents",
        ("id", "contactid", "time"),
        (b"[", b"]"),
        b',"specversion":"1.0","type":"a","source":"/b","data":{"x":%s}',
    ),
]

Reader = Callable[[bytes], Reading]
TEXT: Final = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
LEAVES: Final = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
VALUES: Final = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=8)
TEXTS: Final = st.builds(
    lambda value, is_ascii: json.dumps(value, ensure_ascii=is_ascii).encode(), VALUES, st.booleans()
)
AT: Final = "2026-11-20T09:00:00Z"
TOLD: Final = st.builds(
    lambda own, contact, value: Told(own[0], contact, own[1], value),
    # An event without id and time is another one at each receipt; see the tests of Segment's dialect.
    st.tuples(st.uuids().map(str), st.sampled_from([None, AT])) | st.just((None, AT)),
    TEXT.filter(bool),
    st.one_of(TEXTS, TEXTS, st.integers(0, len(POISON) - 1).map(lambda place: POISON[place])),
)
BATCHES: Final = st.lists(TOLD, min_size=1, max_size=5)


def counts_every_event(wire: Wire, told: list[Told], reader: Reader) -> None:
    found = reader(wire.batch(told))
    assert found.received == len(told)
    bad = [place for place, one in enumerate(told) if one.is_poison]
    assert [refusal.place for refusal in found.refusals] == bad


def takes_what_was_sent(wire: Wire, told: list[Told], reader: Reader) -> None:
    found = reader(wire.batch(told))
    good = [one for one in told if not one.is_poison]
    assert [event.contact for event in found.events] == [one.contact for one in good]
    for event, one in zip(found.events, good, strict=True):
        assert json.loads(event.props) == {"x": json.loads(one.value)}
        assert event.message_id.endswith(one.id or "")


def judges_each_alone(wire: Wire, told: list[Told], reader: Reader) -> None:
    whole = reader(wire.batch(told))
    turned = reader(wire.batch(told[::-1]))
    alone = [reader(wire.batch([one])) for one in told]
    assert whole.events == turned.events[::-1] == [event for one in alone for event in one.events]
    assert [replace_place(one) for one in whole.refusals] == [one for found in alone for one in found.refusals]


def replace_place(refusal: object) -> object:
    return msgspec.structs.replace(refusal, place=0)  # type: ignore[type-var]


def keeps_an_id_through_mending(wire: Wire, told: list[Told], reader: Reader) -> None:
    bad = [one for one in told if one.is_poison]
    for one, refusal in zip(bad, reader(wire.batch(told)).refusals, strict=True):
        assert refusal.message_id.endswith(one.id) if one.id else refusal.message_id.startswith("auto-")
        mended = refusal.body.replace(compact(one.value), b"1").replace(one.value, b"1")
        (again,) = DIALECTS[wire.kind].replay(mended, SERVER, known_at=KNOWN_AT).events
        (good,) = reader(wire.batch([replace(one, value=b"1")])).events
        assert again == msgspec.structs.replace(good, message_id=refusal.message_id)
        assert one.id is None or good.message_id == refusal.message_id


def compact(value: bytes) -> bytes:
    try:
        return msgspec.json.encode(msgspec.json.decode(value))
    except (ValueError, RecursionError):
        return value


Property = Callable[[Wire, list[Told], Reader], None]
PROPERTIES: Final = [counts_every_event, takes_what_was_sent, judges_each_alone, keeps_an_id_through_mending]


@pytest.mark.parametrize("wire", WIRES, ids=lambda one: one.kind)
@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda one: one.__name__)
def test_a_batch(holds: Property, wire: Wire) -> None:
    @given(BATCHES)
    def always(told: list[Told]) -> None:
        needs_id = wire.kind == "cloudevents"
        holds(wire, [replace(one, id=one.id or "0") if needs_id else one for one in told], wire.read)

    always()


@pytest.mark.parametrize("wire", WIRES, ids=lambda one: one.kind)
@pytest.mark.parametrize("value", POISON, ids=lambda one: one[:24])
def test_poison_harms_only_its_own_event(wire: Wire, value: bytes) -> None:
    told = [Told("1", "ada", None, b"1"), Told("2", "ada", None, value), Told("3", "ada", None, b'"\\u0022"')]
    for holds in PROPERTIES:
        holds(wire, told, wire.read)


def lenient(body: bytes) -> Reading:
    return WIRES[0].read(json.dumps(json.loads(body.decode("utf-8", "replace"))).encode())


def all_or_nothing(body: bytes) -> Reading:
    found = WIRES[0].read(body)
    return found if not found.refusals else Reading([], found.refusals)


def rounded(body: bytes) -> Reading:
    found = WIRES[0].read(body)
    shortened = [
        json.dumps(json.loads(event.props, parse_float=lambda text: round(float(text), 6))) for event in found.events
    ]
    return Reading(
        [msgspec.structs.replace(event, props=props) for event, props in zip(found.events, shortened, strict=True)],
        found.refusals,
    )


def normalised(body: bytes) -> Reading:
    found = WIRES[0].read(body)
    ids = [unicodedata.normalize("NFC", event.contact or "").strip().lower() for event in found.events]
    return Reading(
        [msgspec.structs.replace(event, contact=one) for event, one in zip(found.events, ids, strict=True)],
        found.refusals,
    )


def timed_by_place(body: bytes) -> Reading:
    found = WIRES[0].read(body)
    return Reading(
        [msgspec.structs.replace(event, at=event.at + place) for place, event in enumerate(found.events)],
        found.refusals,
    )


def kept_as_it_came(body: bytes) -> Reading:
    """Without what the batch lent to the event."""
    found = WIRES[0].read(body)
    bare = [one.body.replace(b'"groupId":"acme"', b'"locale":"de"') for one in found.refusals]
    return Reading(
        found.events,
        [msgspec.structs.replace(one, body=text) for one, text in zip(found.refusals, bare, strict=True)],
    )


@pytest.mark.parametrize(
    ("holds", "wrong"),
    [
        (counts_every_event, lenient),
        (counts_every_event, all_or_nothing),
        (judges_each_alone, all_or_nothing),
        (judges_each_alone, timed_by_place),
        (takes_what_was_sent, rounded),
        (takes_what_was_sent, normalised),
        (keeps_an_id_through_mending, kept_as_it_came),
    ],
)
def test_a_wrong_reader_is_found_out(holds: Property, wrong: Reader) -> None:
    @settings(phases=[Phase.generate])
    @given(BATCHES)
    def always(told: list[Told]) -> None:
        holds(WIRES[0], told, wrong)

    with pytest.raises((AssertionError, ValueError, RecursionError, ExceptionGroup)):
        always()


PIECES: Final = [
    *POISON,
    *(bytes([mark]) for mark in b'{}[]:,"\\1x'),
    *(b'"%s"' % name for name in (b"batch", b"userId", b"messageId", b"type", b"properties", b"context", b"event")),
    *(b'"%s"' % name for name in (b"distinct_id", b"$groups", b"uuid", b"data", b"id", b"source", b"specversion")),
    b'"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","sum":{"dataPoints":[{"asInt":"1"}]}}]}]}]',
    b'{"batch":[{"type":"track",',
    b"\xef\xbb\xbf",
]
BYTES: Final = st.binary() | st.lists(
    st.integers(0, len(PIECES) - 1).map(lambda place: PIECES[place]), max_size=12
).map(b"".join)
HEADERS: Final = st.sampled_from(
    [
        {},
        {"content-type": "application/json"},
        {"content-type": "application/x-protobuf"},
        {"content-type": "application/cloudevents+json"},
        {"ce-id": "1", "ce-type": "a", "ce-source": "/b", "ce-subject": "acme", "ce-specversion": "1.0"},
        {"ce-id": "%ff", "ce-time": "never"},
    ]
)


@pytest.mark.parametrize("kind", sorted(DIALECTS))
@given(body=BYTES, headers=HEADERS)
@example(body=b"[" * 100_000, headers={})
@example(body=b"[" * 100_000 + b"]" * 100_000, headers={})
@example(body=b'{"batch":[' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]}", headers={})
@example(body=b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}", headers={})
@example(body=b'{"batch":[' + b",".join(b"NaN" for _ in range(200_000)) + b"]}", headers={})
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(kind: str, body: bytes, headers: dict[str, str]) -> None:
    found = Reading()
    with suppress(UnreadableError):
        found = read(kind, body, headers=headers)
    msgspec.msgpack.encode(found.events)
    for refusal in found.refusals:
        with suppress(UnreadableError):
            DIALECTS[kind].replay(refusal.body, SERVER, known_at=KNOWN_AT + SECOND)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"1" + b"]" * depth


def keys(count: int) -> bytes:
    return b"{" + b",".join(b'"%d":1' % number for number in range(count)) + b"}"


@pytest.mark.parametrize("wire", WIRES, ids=lambda one: one.kind)
@pytest.mark.parametrize(
    ("most", "more", "code"),
    [
        (nested(19), nested(20), "too_deep"),
        (b"[%s,1234567890123456]" % nested(18), b"[%s,1234567890123456]" % nested(19), "too_deep"),
        (keys(199), keys(200), "too_many_keys"),
        (b'"%s"' % (b"x" * 8192), b'"%s"' % (b"x" * 8193), "too_long"),
        ('"%s"'.__mod__("é" * 4096).encode(), '"%s"'.__mod__("é" * 4096 + "x").encode(), "too_long"),
        (b"[9007199254740992,-9007199254740992]", b"9007199254740993", "number_out_of_range"),
        (b"[1e308,-1e308,1e-400]", b"1e309", "number_out_of_range"),
        (b'"\\\\u0000"', b'"\\u0000"', "nul"),
        (b'"\\ud83d\\ude00"', b'"\\ud83d"', "half_surrogate"),
        (
            b"[%s]" % b",".join([b'"%s"' % (b"x" * 8000)] * 8),
            b"[%s]" % b",".join([b'"%s"' % (b"x" * 8000)] * 9),
            "too_large",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_limit_is_where_it_is_said_to_be(wire: Wire, most: bytes, more: bytes, code: str) -> None:
    found = wire.read(wire.batch([Told("1", "ada", None, most), Told("2", "ada", None, more)]))
    assert [json.loads(event.props) for event in found.events] == [{"x": json.loads(most)}]
    assert [(refusal.place, refusal.code) for refusal in found.refusals] == [(1, code)]


@pytest.mark.parametrize("wire", WIRES, ids=lambda one: one.kind)
def test_no_depth_of_what_is_not_kept_breaks_a_reader(wire: Wire) -> None:
    for depth in range(700, 1100, 3):
        deep = b'{"traits":' + nested(depth) + b"}"
        for name in (b"context", b"traits", b"$set", b"data"):
            item = wire.item(Told(None, "ada", None, b"1"))[:-1] + b',"%s":%s}' % (name, deep)
            assert wire.read(wire.envelope[0] + item + wire.envelope[1]).received == 1


def test_every_dialect_is_found_by_its_file() -> None:
    assert sorted(DIALECTS) == sorted(PATHS)
