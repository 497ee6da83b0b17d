"""The key of a request that shows it in its body, as Segment's and PostHog's clients do."""

from typing import Final

import msgspec

from keepwell.connectors.json_parts import PartsError, elements, members
from keepwell.connectors.request import MARK, MEMBERS
from keepwell.connectors.strict_json import quick
from keepwell.facts.inbound import BATCH_EVENTS

_FIELDS: Final = ("api_key", "writeKey", "token")
_LONGEST: Final = 200


class _Keys(msgspec.Struct):
    api_key: object = None
    writeKey: object = None  # noqa: N815 - Segment's own spelling
    token: object = None


_DECODER: Final = msgspec.json.Decoder(_Keys)


def key_in_body(body: bytes) -> str | None:
    """The key in `api_key`, `writeKey` or `token` of a JSON object, or in `properties.token` of the first of a list.

    Only the outermost members count, so a property of an event that has such a name is no key. Never raises.
    """
    body = body.removeprefix(MARK)
    try:
        if body.lstrip()[:1] == b"[":
            return _first(_of_first_event(body))
        found = _DECODER.decode(body)
        return _first([found.api_key, found.writeKey, found.token])
    except (ValueError, RecursionError):
        return _first(_by_parts(body))


def _of_first_event(body: bytes) -> list[object]:
    event = dict(members(elements(body, BATCH_EVENTS)[0], MEMBERS)) if elements(body, BATCH_EVENTS) else {}
    inner = dict(members(event["properties"], MEMBERS)) if event.get("properties", b"").startswith(b"{") else {}
    return [quick(one[field]) for one in (event, inner) for field in _FIELDS if field in one]


def _by_parts(body: bytes) -> list[object]:
    """For a body that is not strict JSON: some event of it may be, and whoever sent it must be known."""
    try:
        return [quick(value) for key, value in members(body, MEMBERS) if key in _FIELDS]
    except (PartsError, ValueError):
        return []


def _first(values: list[object]) -> str | None:
    return next((value for value in values if isinstance(value, str) and 0 < len(value) <= _LONGEST), None)
