"""Checks of the values that come in, the same for every dialect.

Nothing is altered: what cannot be kept as it was sent is refused. Ids are compared as bytes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from keepwell.connectors.strict_json import ENCODER
from keepwell.facts.inbound import DEPTH, EVENT_BYTES, KEYS, LARGEST_INTEGER, TEXT_BYTES

LONGEST_ID: Final = 512
DAY: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG: Final = b"0" * 16
# A member takes at least five bytes, so a shorter text has neither too many keys nor too long a value.
_SMALL: Final = min(TEXT_BYTES, KEYS * 5)


class RefusedError(Exception):
    """An event that cannot be taken: a stable code and a plain sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def id_of(value: object, field: str) -> str | None:
    """An id as text; None when it is null or empty. 12 and 12.0 are one number and so one id."""
    if isinstance(value, str):
        text = value
    elif value is None:
        return None
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError("id_invalid", f"{field} is {_noun(value)}; expected a text or a number.")
    else:
        text = _digits(value)
    if len(text) > LONGEST_ID:
        raise RefusedError("id_too_long", f"{field} is longer than {LONGEST_ID} characters.")
    if "\0" in text:
        raise RefusedError("nul", f"{field} holds a NUL character.")
    return text or None


def _digits(number: float) -> str:
    if isinstance(number, int):
        # Python refuses to write integers of thousands of digits; these are too long for an id in any case.
        return str(number) if number.bit_length() < 4 * LONGEST_ID else "0" * (LONGEST_ID + 1)
    return str(int(number)) if number.is_integer() and abs(number) < LARGEST_INTEGER else str(number)


def name_of(value: object, field: str) -> str:
    """The name of an event as it was sent."""
    if not isinstance(value, str) or not value.strip():
        raise RefusedError("name_missing", f"{field}, the name of the event, is missing or not a text.")
    if len(value) > LONGEST_ID:
        raise RefusedError("name_too_long", f"{field} is longer than {LONGEST_ID} characters.")
    if "\0" in value:
        raise RefusedError("nul", f"{field} holds a NUL character.")
    return value


def object_of(value: object, field: str) -> Mapping[str, object]:
    """The members of a JSON object; null and [] (an empty object, as PHP writes it) hold none."""
    if isinstance(value, dict):
        return value
    if value is None or value == []:
        return {}
    raise RefusedError("properties_invalid", f"{field} is {_noun(value)}; expected an object.")


def props_text(props: Mapping[str, object]) -> str:
    """Properties as JSON text, "" for none. The cheap looks at the text say when every value must be looked at."""
    if not props:
        return ""
    text = ENCODER.encode(props)
    if (
        len(text) > _SMALL
        or ((text.rfind(b"{") or b"[" in text) and text.count(b"{") + text.count(b"[") > DEPTH)
        or b"\\u0000" in text
        or _LONG in text.translate(_DIGITS)
    ):
        _check(props, len(text))
    return text.decode()


def _check(props: Mapping[str, object], size: int) -> None:
    if size > EVENT_BYTES:
        raise RefusedError("too_large", f"the properties are larger than {EVENT_BYTES // 1024} KB.")
    keys = 0
    waiting: list[tuple[object, int]] = [(props, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, int):
            if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
                raise RefusedError("number_out_of_range", "an integer is beyond 2^53; send it as a text.")
        elif isinstance(value, dict | list):
            if depth > DEPTH:
                raise RefusedError("too_deep", f"the properties are nested more than {DEPTH} deep.")
            if isinstance(value, dict):
                keys += len(value)
                for key in value:
                    _check_text(key)
            waiting.extend((one, depth + 1) for one in (value.values() if isinstance(value, dict) else value))
    if keys > KEYS:
        raise RefusedError("too_many_keys", f"the properties have {keys} keys; at most {KEYS} are taken.")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise RefusedError("nul", "a property holds a NUL character.")
    if len(text) > TEXT_BYTES or (len(text) * 4 > TEXT_BYTES and len(text.encode()) > TEXT_BYTES):
        raise RefusedError("too_long", f"the text {text[:40]!r}… is longer than {TEXT_BYTES // 1024} KB.")


def moment(value: object, field: str) -> int:
    """An ISO 8601 time in microseconds since 1970 UTC; one without a zone is UTC."""
    if not isinstance(value, str):
        raise RefusedError("time_unreadable", f"{field} is {_noun(value)}; expected a time such as {_EXAMPLE}.")
    try:
        found = datetime.fromisoformat(value)
        since = (found if found.tzinfo else found.replace(tzinfo=UTC)) - _EPOCH
    except (ValueError, OverflowError):
        raise RefusedError("time_unreadable", f"{field} is {value[:40]!r}; expected {_EXAMPLE} or alike.") from None
    if since.days < 0:
        raise RefusedError("time_out_of_range", f"{field} lies before 1970.")
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def sent_moment(value: object) -> int | None:
    """When a request was sent; None when it cannot be read, and the clock of the sender then passes for right."""
    try:
        return None if value is None else moment(value, "the time of sending")
    except RefusedError:
        return None


_EXAMPLE: Final = "2026-11-20T10:00:00Z"


def happened_at(told: int, sent_at: int | None, known_at: int) -> int:
    """When an event happened, by a clock of the sender that may be wrong; all in microseconds since 1970.

    With the time at which it was sent, the distance between the two counts back from the receipt; a result
    before 1970 or behind the receipt shows that the clock jumped, and is the receipt. More than a day ahead is refused.
    """
    at = told if sent_at is None else known_at - sent_at + told
    if at > known_at + DAY:
        raise RefusedError("too_far_ahead", "the event lies more than 24 hours ahead.")
    if sent_at is not None and not 0 <= at <= known_at:
        return known_at
    return at


def _noun(value: object) -> str:
    if value is None:
        return "null"
    nouns = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        dict: "an object",
        list: "a list",
    }
    return nouns.get(type(value), "something else")
