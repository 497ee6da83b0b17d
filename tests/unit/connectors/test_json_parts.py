"""JSON told apart by its brackets and quotes, and the key of a request in its body."""

import json
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.connectors.body_key import key_in_body
from keepwell.connectors.json_parts import PartsError, TooManyError, elements, members, object_text
from keepwell.connectors.strict_json import FaultError, strict

VALUES: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from('{}[]:,"\\'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=12,
)


@given(st.lists(VALUES), st.booleans(), st.sampled_from([None, 2]))
def test_the_elements_of_a_list(values: list[object], is_ascii: bool, indent: int | None) -> None:
    text = json.dumps(values, ensure_ascii=is_ascii, indent=indent).encode()
    assert [json.loads(one) for one in elements(text, 1000)] == values


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES), st.booleans())
def test_the_members_of_an_object(values: dict[str, object], is_ascii: bool) -> None:
    text = json.dumps(values, ensure_ascii=is_ascii).encode()
    found = members(text, 1000)
    assert {key: json.loads(value) for key, value in found} == values
    assert json.loads(object_text(found)) == values


@given(st.text('{}[]:,"\\1 ').map(str.encode))
def test_what_is_neither_is_an_error(text: bytes) -> None:
    for read in (elements, members):
        try:
            read(text, 1000)
        except PartsError:
            continue


def test_more_parts_than_asked_for_are_an_error() -> None:
    assert elements(b"[1,2]", 2) == [b"1", b"2"]
    with pytest.raises(TooManyError):
        elements(b"[1,2]", 1)


# Texts that readers understand alike, and some that they do not, in pieces that meet in odd ways.
PIECES: Final = st.sampled_from(
    [
        '"a":1',
        '"\\u0061":2',
        '"b":{"a":1}',
        '"b":[{"c":1,"c":2}]',
        '"a":"\\u0022\\u0022"',
        '"\\"":"\\u0022"',
        '"\\u0022":"\\\\u0022"',
        '"\\\\":"a\\""',
    ]
)


@given(st.lists(PIECES, max_size=4))
def test_a_key_that_is_given_twice_is_always_found(pieces: list[str]) -> None:
    text = "{" + ",".join(pieces) + "}"
    twice: list[str] = []

    def collect(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(dict(pairs)) < len(pairs):
            twice.append("")
        return dict(pairs)

    expected = json.loads(text, object_pairs_hook=collect)
    if twice:
        with pytest.raises(FaultError):
            strict(text.encode())
    else:
        assert strict(text.encode()) == expected


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"batch":[{"api_key":"other"}],"api_key":"k"}', "k"),
        (b'{"batch":[{"writeKey":"other"}],"sentAt":"x","writeKey":"k"}', "k"),
        (b'{"batch":[{"properties":{"writeKey":"other"}}]}', None),
        (b'{"batch":[{"x":NaN}],"writeKey":"k"}', "k"),
        (b'{"batch":[' + b"[" * 9000 + b"]" * 9000 + b'],"writeKey":"k"}', "k"),
        (b'{"token":"k","event":"a"}', "k"),
        (b'\xef\xbb\xbf{"writeKey":"k"}', "k"),
        (b'[{"event":"a","properties":{"token":"k"}}]', "k"),
        (b'[{"event":"a","api_key":"k","properties":{"token":"other"}}]', "k"),
        (b'{"writeKey":7,"token":"k"}', "k"),
        (b'{"writeKey":""}', None),
        (b'{"writeKey":"' + b"k" * 201 + b'"}', None),
        (b'{"writeKey":NaN}', None),
        (b"", None),
        (b"[]", None),
        (b"[1]", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
    ],
)
def test_the_key_in_a_body(body: bytes, key: str | None) -> None:
    assert key_in_body(body) == key


@given(st.binary())
def test_any_body_has_a_key_or_none(body: bytes) -> None:
    assert key_in_body(body) is None or isinstance(key_in_body(body), str)
