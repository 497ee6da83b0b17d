"""Segment's HTTP tracking API, as its own SDKs and those that copied it speak it.

One call is one event. `context.groupId` is the account, in a group call `groupId`; `userId`, else `anonymousId`, is the
contact. A batch lends its `context`, `sentAt` and `timestamp` to its events. Of `context` nothing else is looked at or
kept: neither address nor device.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import ClassVar, Final, Literal

from keepwell.connectors.dialect import Dialect, Sender
from keepwell.connectors.json_parts import PartsError, members, object_text
from keepwell.connectors.request import MEMBERS, Broken, request_of
from keepwell.connectors.strict_json import ENCODER, SORTED, quick
from keepwell.connectors.trust import MERGE
from keepwell.connectors.values import RefusedError, happened_at, id_of, moment, name_of, object_of, props_text
from keepwell.facts.inbound import EVENT_BYTES, Inbound, Reading, Refusal, UnreadableError

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
_BATCHES: Final = frozenset(["batch", "b", "import"])
_KEPT: Final = (
    "type",
    "event",
    "name",
    "category",
    "userId",
    "anonymousId",
    "groupId",
    "previousId",
    "messageId",
    "originalTimestamp",
    "timestamp",
    "sentAt",
    "properties",
    "traits",
)
_CONTEXT_KEPT: Final = ("groupId", "traits", "active")


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
            context=context if isinstance(context, dict) else {},
            sent_at=lent.get("sentAt"),
            sent_at_us=_sent_at(lent.get("sentAt")),
            timestamp=lent.get("originalTimestamp") or lent.get("timestamp"),
        )
    is_large = len(body) > EVENT_BYTES
    found = Reading()
    for place, item in enumerate(request.items):
        try:
            if type(item) is not dict:
                raise _unreadable(item)
            if is_large and len(ENCODER.encode(item)) > EVENT_BYTES:
                raise RefusedError("too_large", f"the event is larger than {EVENT_BYTES // 1024} KB.")
            found.events.append(_event(item, around, place))
        except RefusedError as error:
            found.refusals.append(_refusal(item, around, place, error))
    return found


def _unreadable(item: object) -> RefusedError:
    if isinstance(item, Broken):
        return RefusedError(item.fault.code, item.fault.sentence)
    return RefusedError("not_an_object", "the event is not a JSON object.")


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
        raise RefusedError(
            "unknown_type", f"{str(call)[:40]!r} is none of {', '.join(dict.fromkeys(_CALLS.values()))}."
        )
    if account is None and contact is None:
        raise RefusedError("no_subject", "the event names neither a contact (userId) nor an account (context.groupId).")
    around.sender.check(name, props)
    at = _at(item, around)
    message_id = id_of(item.get("messageId"), "messageId") or _made_id(_kept(item, around), around, place)
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
    told, field = _told(item)
    if told is None:
        told = around.timestamp
    if told is None:
        return around.known_at
    own = item.get("sentAt")
    return happened_at(moment(told, field), _sent_at(own) if own else around.sent_at_us, around.known_at)


def _told(item: Mapping[str, object]) -> tuple[object, str]:
    """The time that the event itself tells; None without one."""
    told = item.get("originalTimestamp")
    if told is not None:
        return told, "originalTimestamp"
    return item.get("timestamp"), "timestamp"


def _sent_at(value: object) -> int | None:
    """None when it cannot be read: the clock of the sender is then taken to be right."""
    try:
        return None if value is None else moment(value, "sentAt")
    except RefusedError:
        return None


def _kept(item: Mapping[str, object], around: _Around) -> dict[str, object]:
    """What of an event is looked at; the rest is forgotten."""
    kept = {key: item[key] for key in _KEPT if key in item}
    context = _context(item, around)
    told = {key: context[key] for key in _CONTEXT_KEPT if key in context}
    return {**kept, "context": told} if told else kept


def _made_id(content: Mapping[str, object], around: _Around, place: int) -> str:
    """An id from the event itself, for one that has none.

    The same event told again, with its time, has the same id. Without a time nothing tells two alike apart but the
    moment of receipt and the place in the request.
    """
    told: list[object] = [around.call, {key: value for key, value in content.items() if key not in _NOT_CONTENT}]
    if _told(content)[0] is None:
        told += [around.known_at, place]
    return "auto-" + sha256(SORTED.encode(told)).hexdigest()[:32]


_NOT_CONTENT: Final = ("sentAt", "messageId")


def _refusal(item: object, around: _Around, place: int, error: RefusedError) -> Refusal:
    """A refused event as an event that stands alone: what its request lent to it is in it, its id too."""
    if isinstance(item, Broken):
        message_id, body = _kept_text(item.text, around, place)
    elif isinstance(item, dict):
        kept = _kept(item, around)
        kept |= _lent(kept, around, place)
        message_id, body = _text_of(kept.get("messageId")), ENCODER.encode(kept)
    else:
        message_id, body = "", ENCODER.encode(item)
    return Refusal(place, error.code, error.sentence, message_id, body)


def _lent(kept: Mapping[str, object], around: _Around, place: int) -> dict[str, object]:
    """The members that an event gets from its request, and the id made for it when it has none."""
    lent: dict[str, object] = {"type": around.call} if around.call else {}
    if not kept.get("messageId"):
        lent["messageId"] = _made_id(kept, around, place)
    if not kept.get("sentAt") and around.sent_at is not None:
        lent["sentAt"] = around.sent_at
    if _told(kept)[0] is None and around.timestamp is not None:
        lent["timestamp"] = around.timestamp
    return lent


def _text_of(message_id: object) -> str:
    try:
        return id_of(message_id, "messageId") or ""
    except RefusedError:
        return ""


def _kept_text(text: bytes, around: _Around, place: int) -> tuple[str, bytes]:
    """The same for an event whose JSON is not strict: its own members stay the bytes that they were."""
    try:
        pairs = [(key, value) for key, value in members(text, MEMBERS) if key in _KEPT]
        context = [pair for key, value in members(text, MEMBERS) if key == "context" for pair in _context_parts(value)]
    except PartsError:
        return "", text
    told = {key for key, _ in context}
    for key in _CONTEXT_KEPT:
        if key in around.context and key not in told:
            context.append((key, ENCODER.encode(around.context[key])))
    if context:
        pairs.append(("context", object_text(context)))
    readable = {key: _readable(value) for key, value in pairs}
    lent = _lent(readable, around, place)
    pairs = [pair for pair in pairs if pair[0] not in lent]
    pairs += [(key, ENCODER.encode(value)) for key, value in lent.items()]
    return _text_of({**readable, **lent}.get("messageId")), object_text(pairs)


def _context_parts(text: bytes) -> list[tuple[str, bytes]]:
    return [(key, value) for key, value in members(text, MEMBERS) if key in _CONTEXT_KEPT]


def _readable(text: bytes) -> object:
    """The value of a member, or its bytes where no reader is certain of it."""
    try:
        return quick(text)
    except ValueError:
        return text.decode("utf-8", "backslashreplace")
