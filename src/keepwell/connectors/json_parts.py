"""The parts of a JSON text as bytes, told apart by its quotes and brackets alone.

So one part that no reader takes, however deep or wrong, does not hide the others. Linear in the length of the text,
without recursion.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

_QUOTE: Final = 34
_STEP: Final = np.zeros(256, np.int32)
_STEP[[ord("{"), ord("[")]] = 1
_STEP[[ord("}"), ord("]")]] = -1
_IS_MARK: Final = np.zeros(256, np.bool_)
_IS_MARK[[ord(mark) for mark in "{}[]:,"]] = True


class PartsError(ValueError):
    """Quotes and brackets that do not match."""


class TooManyError(PartsError):
    """More parts than were asked for."""


def elements(text: bytes, most: int) -> list[bytes]:
    """The elements of a JSON array."""
    cuts, _ = _cuts(text, b"[", most)
    parts = [text[start:end].strip() for start, end in cuts]
    return [] if parts == [b""] else parts


def members(text: bytes, most: int) -> list[tuple[str, bytes]]:
    """Keys and values of a JSON object in the order of the text; a key that is given twice is there twice."""
    cuts, colons = _cuts(text, b"{", most)
    if len(cuts) == 1 and not text[slice(*cuts[0])].strip():
        return []
    if len(colons) != len(cuts):
        raise PartsError("A member has no value.")
    found = []
    for (start, end), colon in zip(cuts, colons, strict=True):
        if not start <= colon < end:
            raise PartsError("A member has no value.")
        found.append((_key(text[start:colon]), text[colon + 1 : end].strip()))
    return found


def object_text(pairs: list[tuple[str, bytes]]) -> bytes:
    """A JSON object of members that are JSON texts already."""
    return b"{" + b",".join(_write_key(key) + b":" + value for key, value in pairs) + b"}"


_write_key: Final[Callable[[str], bytes]] = msgspec.json.Encoder().encode
_read_key: Final[Callable[[bytes], str]] = msgspec.json.Decoder(str).decode


def _key(text: bytes) -> str:
    try:
        return _read_key(text)
    except ValueError as error:
        raise PartsError("A key is not a text.") from error


def _cuts(text: bytes, opening: bytes, most: int) -> tuple[list[tuple[int, int]], list[int]]:
    """Where the parts of the outermost bracket start and end, and where its colons are."""
    marks, depths = _outline(text)
    start = len(text) - len(text.lstrip())
    if not text.startswith(opening, start) or text[int(marks[-1]) + 1 :].strip():
        raise PartsError("Something else than one bracket.")
    if (depths[:-1] < 1).any():
        raise PartsError("Something else than one bracket.")
    codes = np.frombuffer(text, np.uint8)[marks]
    is_outer = depths == 1
    commas = marks[is_outer & (codes == ord(","))]
    if len(commas) >= most:
        raise TooManyError("Too many parts.")
    edges = [start, *commas.tolist(), int(marks[-1])]
    cuts = [(left + 1, right) for left, right in pairwise(edges)]
    return cuts, marks[is_outer & (codes == ord(":"))].tolist()


def _outline(text: bytes) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The brackets, colons and commas outside texts, and how deep each stands behind it."""
    plain = text.replace(b"\\\\", b"  ").replace(b'\\"', b"  ")
    codes = np.frombuffer(plain, np.uint8)
    is_inside = np.cumsum(codes == _QUOTE, dtype=np.int32) & 1 == 1
    marks = np.flatnonzero(_IS_MARK[codes] & ~is_inside)
    depths = np.cumsum(_STEP[codes[marks]], dtype=np.int32)
    if not len(marks) or depths[-1] != 0 or is_inside[-1]:
        raise PartsError("Quotes or brackets do not match.")
    return marks, depths
