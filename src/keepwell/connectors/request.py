"""A request that holds one JSON object per event, taken apart so that one bad event harms only itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from keepwell.connectors.json_parts import PartsError, TooManyError, elements, members
from keepwell.connectors.strict_json import ENCODER, FaultError, quick, strict
from keepwell.connectors.values import RefusedError
from keepwell.facts.inbound import BATCH_EVENTS, EVENT_BYTES, UnreadableError

# An object of more members than any client sends; beyond it its parts are not told apart.
MEMBERS: Final = 10_000
# What some programs of Windows put before UTF-8.
MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Broken:
    """An event whose JSON is not strict: its bytes, and what is wrong."""

    text: bytes
    fault: FaultError


@dataclass(frozen=True, slots=True)
class Request:
    """What stands around the events, and the events as values where they can be read."""

    around: Mapping[str, object]
    items: list[object]


def request_of(body: bytes, field: str | None, *, takes_list: bool = False) -> Request:
    """The events of a body: the list under `field` of an object, or the body itself where `takes_list` says so.

    An object without that list is one event. Raises `UnreadableError` for what is not JSON by its grammar.
    """
    body = body.removeprefix(MARK)
    try:
        root = quick(body)
    except ValueError:
        return _taken_apart(body, field, takes_list=takes_list)
    if isinstance(root, list) and takes_list:
        return Request({}, _counted(root))
    if not isinstance(root, dict):
        raise UnreadableError("not_an_object", "The body is not a JSON object.")
    if field is None or field not in root:
        return Request({}, [root])
    items = root.pop(field)
    if not isinstance(items, list):
        raise UnreadableError("no_batch", f"{field} is not a list.")
    return Request(root, _counted(items))


def _counted(items: list[object]) -> list[object]:
    if len(items) > BATCH_EVENTS:
        raise _too_many()
    return items


_TOO_LARGE: Final = f"the event is larger than {EVENT_BYTES // 1024} KB."


def _not_json() -> UnreadableError:
    return UnreadableError("json_invalid", "The body is not JSON.")


def _too_many() -> UnreadableError:
    return UnreadableError("too_many_events", f"A batch holds at most {BATCH_EVENTS:,} events.", 413)


def _taken_apart(body: bytes, field: str | None, *, takes_list: bool) -> Request:
    """The same by brackets and quotes, for a body of which some part is not strict JSON."""
    if takes_list and body.lstrip().startswith(b"["):
        return Request({}, _items(body))
    around = _around(body)
    batches = [value for key, value in around if key == field]
    if not batches:
        return Request({}, [_item(body)])
    if len(batches) > 1:
        raise UnreadableError("key_twice", f"{field} is given twice.")
    return Request({key: _value(value) for key, value in around if key != field}, _items(batches[0]))


def _around(body: bytes) -> list[tuple[str, bytes]]:
    try:
        return members(body, MEMBERS)
    except TooManyError:
        raise UnreadableError("too_many_keys", f"The body has more than {MEMBERS:,} members.") from None
    except PartsError:
        raise _not_json() from None


def _items(text: bytes) -> list[object]:
    try:
        return [_item(one) for one in elements(text, BATCH_EVENTS)]
    except TooManyError:
        raise _too_many() from None
    except PartsError:
        raise _not_json() from None


def _item(text: bytes) -> object:
    try:
        return quick(text)
    except ValueError:
        if len(text) > EVENT_BYTES:
            return Broken(text, FaultError("too_large", _TOO_LARGE))
    try:
        return strict(text)
    except FaultError as error:
        if error.code == "json_invalid":
            raise _not_json() from None
        return Broken(text, error)


def _value(text: bytes) -> object:
    try:
        return strict(text)
    except FaultError as error:
        raise UnreadableError(error.code, f"What stands around the events cannot be read: {error.sentence}") from None


def checked_item(item: object, *, is_large: bool) -> dict[str, object]:
    """The members of an event; `is_large` says that its request is larger than one event may be."""
    if isinstance(item, Broken):
        raise RefusedError(item.fault.code, item.fault.sentence)
    if not isinstance(item, dict):
        raise RefusedError("not_an_object", "the event is not a JSON object.")
    if is_large and len(ENCODER.encode(item)) > EVENT_BYTES:
        raise RefusedError("too_large", _TOO_LARGE)
    return item
