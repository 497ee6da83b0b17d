"""Columns that hold JSON objects, in one spelling: keys sorted, nulls left out, whole numbers without a fraction."""

import json
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

LONGEST: Final = 1 << 16
_WHOLE: Final = 2**53


def one_spelling(texts: pa.Array) -> pa.Array:
    """The objects in one spelling; null for what is not an object or holds what no JSON reader agrees on.

    That is a repeated key, NaN, Infinity, a number that a float cannot hold, a NUL or half a surrogate pair.
    """
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    coded = pc.dictionary_encode(texts)
    return pa.array([_spelt(text) for text in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)


def _spelt(text: str) -> str | None:
    if len(text) > LONGEST:
        return None
    try:
        found = _DECODER.decode(text)
        if not isinstance(found, dict):
            return None
        spelt = _ENCODER.encode(found)
        if not spelt.isascii():
            spelt.encode()
    except (ValueError, RecursionError):
        return None
    # A backslash that was written as one is two here.
    return None if "\\u0000" in spelt.replace("\\\\", "") else spelt


def _number(digits: str) -> float | int:
    value = float(digits)
    return int(value) if abs(value) < _WHOLE and value.is_integer() else value


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON.")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice.")
    return {key: value for key, value in found.items() if value is not None} if None in found.values() else found


_DECODER: Final = json.JSONDecoder(parse_float=_number, parse_constant=_refuse, object_pairs_hook=_members)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, allow_nan=False, separators=(",", ":"))
