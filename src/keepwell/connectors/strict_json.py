"""JSON that every reader understands alike, and what is wrong with JSON that is not.

NaN, Infinity, numbers that a float cannot hold, half a surrogate pair and a key given twice are read in one way here
and in another there; what holds one of them is never kept as an event.
"""

import json
import re
from collections import Counter
from typing import Final

import msgspec

ENCODER: Final = msgspec.json.Encoder()
SORTED: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder()
# Python itself refuses to read integers of more than 4,300 digits.
_LONGEST_INTEGER: Final = 4_000
_MARGIN: Final = 64
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class FaultError(Exception):
    """A JSON text that is not strict. `code` is "json_invalid" when its grammar is wrong."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def quick(text: bytes) -> object:
    """The value of a JSON text; `ValueError` when readers may disagree about it, or when a closer look must tell.

    A key that is given twice drops out of the parsed value, and at least two quotes with it; so equal numbers of
    quotes before and after show that there is none, unless a quote was written as an escape.
    """
    try:
        value: object = _DECODER.decode(text)
        if b"\\u0022" not in text and _encoded(value).count(b'"') == text.count(b'"'):
            return value
    except RecursionError:
        pass
    raise ValueError("The text needs a closer look.")


def _encoded(value: object) -> bytes:
    """The text of a value within lists, so that what passes here can be encoded anywhere without `RecursionError`."""
    for _ in range(_MARGIN):
        value = [value]
    return ENCODER.encode(value)


def strict(text: bytes) -> object:
    """The value of a JSON text; raises `FaultError` when readers may disagree about it."""
    try:
        return quick(text)
    except ValueError:
        found = fault(text)
        if found is not None:
            raise found from None
        return _DECODER.decode(text)


def fault(text: bytes) -> FaultError | None:
    """What is wrong with a JSON text; a wrong grammar comes before all else."""
    seen: dict[str, str] = {}
    try:
        _lenient(seen).decode(text.decode("utf-8", "replace"))
    except RecursionError:
        return FaultError("too_deep", "the event is nested too deeply.")
    except ValueError:
        return FaultError("json_invalid", "the text is not JSON.")
    for code, sentence in seen.items():
        return FaultError(code, sentence)
    return _other_fault(text)


def _other_fault(text: bytes) -> FaultError | None:
    """What the lenient reader took and the strict one does not."""
    try:
        _encoded(_DECODER.decode(text))
    except UnicodeDecodeError:
        return FaultError("not_utf8", "the event holds bytes that are not UTF-8.")
    except RecursionError:
        return FaultError("too_deep", "the event is nested too deeply.")
    except ValueError:
        if _SURROGATE.search(text):
            return FaultError("half_surrogate", "a text holds half a surrogate pair, which is no character.")
        return FaultError("control_character", "a text holds a control character that is not escaped.")
    return None


def _lenient(seen: dict[str, str]) -> json.JSONDecoder:
    """A reader that goes on behind a fault and notes it in `seen`, by code."""

    def integer(digits: str) -> int:
        if len(digits) > _LONGEST_INTEGER:
            seen.setdefault("number_out_of_range", f"the number {digits[:40]} is too large.")
            return 0
        return int(digits)

    def decimal(digits: str) -> float:
        value = float(digits)
        if value in (float("inf"), float("-inf")):
            seen.setdefault("number_out_of_range", f"the number {digits[:40]} is too large.")
        return value

    def constant(word: str) -> None:
        seen.setdefault("number_not_finite", f"{word} is not a number that JSON knows.")

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            counts = Counter(key for key, _ in pairs)
            twice = next(key for key, count in counts.items() if count > 1)
            seen.setdefault("key_twice", f"the key {twice[:100]!r} is given twice.")
        return found

    return json.JSONDecoder(
        parse_int=integer, parse_float=decimal, parse_constant=constant, object_pairs_hook=members, strict=False
    )
