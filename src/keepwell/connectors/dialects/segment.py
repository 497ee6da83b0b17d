"""Segment's HTTP tracking API, as its own SDKs and those that copied it speak it.

One call is one event. `context.groupId` is the account, in a group call `groupId`; `userId`, else `anonymousId`, is the
contact. A batch lends its `context`, `sentAt` and `timestamp` to its events. Of `context` nothing but `groupId` and
`traits` is looked at or kept: neither address nor device. `integrations` tells Segment whom to hand an event on to, and
is not looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import ClassVar, Final, Literal

from keepwell.connectors.dialect import Dialect, Sender
from keepwell.connectors.kept_event import Shape, made_id, read_items
from keepwell.connectors.request import request_of
from keepwell.connectors.strict_json import ENCODER
from keepwell.connectors.trust import MERGE
from keepwell.connectors.values import (
    RefusedError,
    happened_at,
    id_of,
    moment,
    name_of,
    object_of,
    props_text,
    sent_moment,
)
from keepwell.facts.inbound import EVENT_BYTES, TEXT_BYTES, Inbound, Reading, UnreadableError

# Browsers send the first letter of a call; "m" holds counters of the SDK about itself and no event.
_CALLS: Final = {
    "track": "track",
    "t": "track",
    "identify": "identify",
    "i": "identify",
    "group": "group",
    "g": "group",
    "page": "page",
    "p": "page",
    "screen": "screen",
    "s": "screen",
    "alias": "alias",
    "a": "alias",
}
_EXPECTED: Final = ", ".join(dict.fromkeys(_CALLS.values()))
_OF_CONTACT: Final = frozenset(["identify", "alias"])
_BATCHES: Final = frozenset(["batch", "b", "import"])
_MEMBERS: Final = """
    type event name category userId anonymousId groupId previousId messageId originalTimestamp timestamp sentAt
    properties traits
"""
_CONTEXT_KEPT: Final = frozenset(["groupId", "traits"])
_SHAPE: Final = Shape(frozenset(_MEMBERS.split()), {"context": _CONTEXT_KEPT.__contains__}, itemgetter("messageId"))


@dataclass(frozen=True, slots=True)
class _Around:
    """What a request lends to its events; `call` is that of the path, "" in a batch."""

    sender: Sender
    known_at: int
    call: str
    context: Mapping[str, object]
    sent_at: object
    sent_at_us: int | None
    timestamp: object


class Segment(Dialect):
    kind: ClassVar[Literal["segment"]] = "segment"

    def read(self, body: bytes, sender: Sender, *, path: str, headers: Mapping[str, str], known_at: int) -> Reading:
        last = path.rstrip("/").rpartition("/")[2]
        if last == "m":
            return Reading()
        call = _CALLS.get(last, "")
        if not call and last not in _BATCHES:
            raise UnreadableError("unknown_path", f"There is no {path[:100]}.", 404)
        return _read(body, _Around(sender, known_at, call, {}, None, None, None))

    def replay(self, body: bytes, sender: Sender, *, known_at: int) -> Reading:
        return _read(body, _Around(sender, known_at, "", {}, None, None, None))


def _read(body: bytes, around: _Around) -> Reading:
    request = request_of(body, "batch")
    lent = request.around
    if lent:
        context = lent.get("context")
        around = replace(
            around,
            context=_lent_context(context),
            sent_at=lent.get("sentAt"),
            sent_at_us=sent_moment(lent.get("sentAt")),
            timestamp=lent.get("originalTimestamp") or lent.get("timestamp"),
        )
    return read_items(
        request.items,
        _SHAPE,
        lambda item, place: _event(item, around, place),
        lambda kept, place: _lent(kept, around, place),
        is_large=len(body) > EVENT_BYTES,
    )


def _lent_context(context: object) -> Mapping[str, object]:
    """What is looked at of the context of a batch. Each of its events may take it over, so it must be small."""
    if not isinstance(context, dict):
        return {}
    kept = {key: value for key, value in context.items() if key in _CONTEXT_KEPT}
    if len(ENCODER.encode(kept)) > TEXT_BYTES:
        raise UnreadableError("too_large", f"The context of the batch is larger than {TEXT_BYTES // 1024} KB.", 413)
    return kept


def _event(item: dict[str, object], around: _Around, place: int) -> Inbound:
    call = around.call or item.get("type")
    context = _context(item, around)
    contact = id_of(item.get("userId"), "userId") or id_of(item.get("anonymousId"), "anonymousId")
    account = id_of(context.get("groupId"), "context.groupId")
    if call == "track":
        name = name_of(item.get("event"), "event")
        props = object_of(item.get("properties"), "properties")
    elif call == "identify":
        name = "contact_updated"
        props = object_of(item.get("traits"), "traits") or object_of(context.get("traits"), "context.traits")
    elif call == "group":
        name = "account_updated"
        props = object_of(item.get("traits"), "traits")
        account = id_of(item.get("groupId"), "groupId") or account
        if account is None:
            raise RefusedError("no_subject", "the group call has no groupId.")
    elif call in ("page", "screen"):
        name = f"{call}_viewed"
        props = _with_title(item)
    elif call == "alias":
        name = MERGE
        previous = id_of(item.get("previousId"), "previousId")
        if previous is None:
            raise RefusedError("no_subject", "the alias call has no previousId.")
        props = {"previous_id": previous}
    else:
        raise RefusedError("unknown_type", f"type is {str(call)[:40]!r}; expected one of {_EXPECTED}.")
    if contact is None and (account is None or call in _OF_CONTACT):
        raise RefusedError("no_subject", "the event names neither a contact (userId) nor an account (context.groupId).")
    around.sender.check(name, props)
    at = _at(item, around)
    message_id = id_of(item.get("messageId"), "messageId") or _made_id(_SHAPE.of(item), around, place)
    return Inbound(message_id, name, at, account, contact, props_text(props))


def _context(item: Mapping[str, object], around: _Around) -> Mapping[str, object]:
    """The context of an event over that of its batch; what is no object tells nothing."""
    own = item.get("context")
    if not isinstance(own, dict):
        return around.context
    return {**around.context, **own} if around.context else own


def _with_title(item: Mapping[str, object]) -> Mapping[str, object]:
    """Properties of a page or screen, with its name and category where they do not tell them."""
    props = object_of(item.get("properties"), "properties")
    told = {key: item[key] for key in ("name", "category") if isinstance(item.get(key), str) and key not in props}
    return {**props, **told} if told else props


def _at(item: Mapping[str, object], around: _Around) -> int:
    told = _told(item)
    if told is None:
        told = around.timestamp
        if told is None:
            return around.known_at
    sent_at = sent_moment(item["sentAt"]) if "sentAt" in item else None
    at = moment(told, "timestamp")
    return happened_at(at, around.sent_at_us if sent_at is None else sent_at, around.known_at)


def _told(item: Mapping[str, object]) -> object:
    """The time that the event itself tells; None without one."""
    told = item.get("originalTimestamp")
    return item.get("timestamp") if told is None else told


def _made_id(kept: Mapping[str, object], around: _Around, place: int) -> str:
    content = {key: value for key, value in kept.items() if key not in ("type", "sentAt", "messageId")}
    call = around.call or kept.get("type")
    return made_id([call, content], None if _told(kept) is not None else (around.known_at, place))


def _lent(kept: Mapping[str, object], around: _Around, place: int) -> Mapping[str, object]:
    """What an event gets from its request, and the id made for it when it has none."""
    lent: dict[str, object] = {"type": around.call} if around.call else {}
    if around.context:
        lent["context"] = around.context
    if kept.get("messageId") in (None, ""):
        lent["messageId"] = _made_id(kept, around, place)
    if around.sent_at is not None and sent_moment(kept.get("sentAt")) is None:
        lent["sentAt"] = around.sent_at
    if _told(kept) is None and around.timestamp is not None:
        lent["timestamp"] = around.timestamp
    return lent
