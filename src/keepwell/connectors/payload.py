"""What another system posted: JSON that is read with tolerance, and taken with care."""

import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from keepwell.facts.inbound import LARGEST_INTEGER, TEXT_BYTES, UnreadableError

LONGEST_ID: Final = 512


class UnfitError(Exception):
    """An event that cannot be taken: a stable code and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def decoded(body: bytes) -> object:
    """The JSON value of a body; `UnreadableError` for what two JSON readers would not agree on.

    That is a key given twice, NaN, Infinity, half a surrogate pair, a number of thousands of digits, endless nesting.
    """
    try:
        text = body.decode()
        value: object = _DECODER.decode(text)
        json.dumps(value, ensure_ascii=False).encode()
        _check_depth(value)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(
            "not_json", "The body is not JSON in UTF-8 that every reader understands alike."
        ) from error
    return value


class Part:
    """A JSON object whose members may be missing or of another type than expected.

    A member that is missing, null or of another type is None; one that is there and absurd raises `UnfitError`.
    """

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, object]) -> None:
        self._members = members

    @classmethod
    def of(cls, value: object) -> "Part":
        """The object itself; an empty one for what is no object."""
        return cls(value) if isinstance(value, dict) else cls({})

    def __bool__(self) -> bool:
        return bool(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def get(self, name: str) -> object:
        """The member of exactly this name, which may hold a dot."""
        return self._members.get(name)

    def value(self, path: str) -> object:
        """What is at a path such as `data.item.tags.0`; None where it leads nowhere."""
        found: object = self._members
        for step in path.split("."):
            if isinstance(found, dict):
                found = found.get(step)
            elif isinstance(found, list) and step.isascii() and step.isdigit() and len(step) < 6:
                found = found[int(step)] if int(step) < len(found) else None
            else:
                return None
        return found

    def part(self, path: str) -> "Part":
        return Part.of(self.value(path))

    def parts(self, path: str) -> list["Part"]:
        found = self.value(path)
        return [Part.of(item) for item in found] if isinstance(found, list) else []

    def words(self, path: str) -> str:
        """Text of any length, "" when there is none. For what is looked at and not stored."""
        found = self.value(path)
        return found if isinstance(found, str) else ""

    def text(self, path: str) -> str | None:
        """Text to be stored; None when it is missing or empty."""
        return fit_text(path, self.words(path)) or None

    def id(self, path: str) -> str | None:
        """An identifier, be it spelt as text or as a whole number."""
        found = self.value(path)
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        return fit_id(path, self.words(path)) or None

    def truth(self, path: str) -> bool | None:
        found = self.value(path)
        return found if isinstance(found, bool) else None

    def number(self, path: str) -> int | float | None:
        """A number that a 64-bit float holds; whole ones within ±2^53."""
        found = self.value(path)
        if isinstance(found, bool) or not isinstance(found, int | float):
            return None
        return fit_number(path, found)

    def decimal(self, path: str) -> Decimal | None:
        """An exact number, spelt as a number or, as Stripe does for parts of a cent, as text."""
        found = self.value(path)
        number = found if isinstance(found, str) else self.number(path)
        if number is None:
            return None
        try:
            exact = Decimal(str(number)) if len(str(number)) <= _LONGEST_DECIMAL else Decimal("Infinity")
        except InvalidOperation:
            return None
        if not exact.is_finite() or abs(exact.adjusted()) > _LONGEST_EXPONENT:
            raise UnfitError("number_out_of_range", f"`{path}` is beyond any amount.")
        return exact


def fit_text(name: str, text: str) -> str:
    """The text if it may be stored; `UnfitError` else."""
    if len(text) > TEXT_BYTES or len(text.encode(errors="surrogatepass")) > TEXT_BYTES:
        raise UnfitError("text_too_long", f"`{name}` has {len(text)} characters; at most {TEXT_BYTES} bytes are taken.")
    if "\0" in text:
        raise UnfitError("nul", f"`{name}` holds a NUL character.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UnfitError("half_character", f"`{name}` holds half a character.")
    return text


def fit_id(name: str, text: str) -> str:
    if len(text) > LONGEST_ID:
        raise UnfitError("id_too_long", f"`{name}` has {len(text)} characters; an identifier has at most {LONGEST_ID}.")
    return fit_text(name, text)


def fit_number(name: str, number: int | float) -> int | float:
    if isinstance(number, int) and abs(number) > LARGEST_INTEGER:
        raise UnfitError("number_out_of_range", f"`{name}` is beyond ±2^53.")
    return number


_LONGEST_DECIMAL: Final = 40
_LONGEST_EXPONENT: Final = 30
_DEEPEST: Final = 50


def _check_depth(value: object) -> None:
    """`ValueError` for what is nested deeper than any system we know of sends."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
        ]
        if not level:
            return
    raise ValueError("nested too deeply.")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("the number is too large for a float.")
    return value


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON.")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice.")
    return found


_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse, object_pairs_hook=_members)
