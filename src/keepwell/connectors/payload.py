"""What another system posted: JSON that is read with tolerance, and taken with care."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from keepwell.connectors.strict_json import FaultError, strict
from keepwell.connectors.values import LONGEST_ID, RefusedError
from keepwell.facts.inbound import LARGEST_INTEGER, TEXT_BYTES, UnreadableError


def decoded(body: bytes) -> object:
    """The JSON value of a body; `UnreadableError` for what two JSON readers would not agree on, or endless nesting."""
    try:
        value = strict(body)
    except FaultError as error:
        raise UnreadableError(error.code, f"The body cannot be read: {error.sentence}") from error
    if _depth(value) > _DEEPEST:
        raise UnreadableError("too_deep", f"The body is nested more than {_DEEPEST} deep.")
    return value


class Part:
    """A JSON object whose members may be missing or of another type than expected.

    A member that is missing, null or of another type is None; one that is there and absurd raises `RefusedError`.
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
            raise RefusedError("number_out_of_range", f"`{path}` is beyond any amount.")
        return exact


def fit_text(name: str, text: str) -> str:
    """The text if it may be stored; `RefusedError` else."""
    if len(text) > TEXT_BYTES or len(text.encode(errors="surrogatepass")) > TEXT_BYTES:
        raise RefusedError("too_long", f"`{name}` has {len(text)} characters; at most {TEXT_BYTES} bytes are taken.")
    if "\0" in text:
        raise RefusedError("nul", f"`{name}` holds a NUL character.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise RefusedError("half_surrogate", f"`{name}` holds half a character.")
    return text


def fit_id(name: str, text: str) -> str:
    if len(text) > LONGEST_ID:
        raise RefusedError(
            "id_too_long", f"`{name}` has {len(text)} characters; an identifier has at most {LONGEST_ID}."
        )
    return fit_text(name, text)


def fit_number(name: str, number: int | float) -> int | float:
    if isinstance(number, int) and abs(number) > LARGEST_INTEGER:
        raise RefusedError("number_out_of_range", f"`{name}` is beyond ±2^53.")
    return number


_LONGEST_DECIMAL: Final = 40
_LONGEST_EXPONENT: Final = 30
_DEEPEST: Final = 50


def _depth(value: object) -> int:
    """How deep objects and lists are nested, without recursion."""
    level, depth = [value], -1
    while level:
        depth += 1
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
        ]
    return depth
