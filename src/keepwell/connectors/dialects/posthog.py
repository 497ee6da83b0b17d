"""PostHog's capture API.

`$groups` names the account, `distinct_id` the contact, `uuid` is the message id. `$identify` and `$set` tell a contact,
`$groupidentify` an account. The other names and properties that begin with a dollar describe PostHog's client, its
address and its device; such a name is taken as it is, such a property is forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import ClassVar, Final, Literal

from keepwell.connectors.dialect import Dialect, Sender
from keepwell.connectors.kept_event import Shape, made_id, read_items
from keepwell.connectors.request import request_of
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
from keepwell.facts.inbound import EVENT_BYTES, Inbound, Reading, UnreadableError

_PATHS: Final = frozenset(["batch", "capture", "e", "track"])
# Kinds of groups that are an account, the surest first.
_ACCOUNT_GROUPS: Final = ("account", "company", "organization", "organisation", "workspace", "tenant")
_NAMES: Final = {
    "$identify": "contact_updated",
    "$set": "contact_updated",
    "$groupidentify": "account_updated",
    "$create_alias": MERGE,
    "$merge_dangerously": MERGE,
    "$pageview": "page_viewed",
    "$screen": "screen_viewed",
}
# What PostHog's own properties say about a page or screen, under the names that Segment gives it.
_TITLES: Final = {"$current_url": "url", "$pathname": "path", "$screen_name": "name"}
_NEEDED: Final = frozenset(
    ["$groups", "$group_type", "$group_key", "$group_set", "$set", "$process_person_profile", *_TITLES]
)
_MEMBERS: Final = "event distinct_id uuid timestamp sent_at offset historical_migration $set"


def _is_kept(key: str) -> bool:
    return key in _NEEDED or not (key.startswith("$") or key == "token")


_SHAPE: Final = Shape(frozenset(_MEMBERS.split()), {"properties": _is_kept}, itemgetter("uuid"))


@dataclass(frozen=True, slots=True)
class _Around:
    """What a request lends to its events."""

    sender: Sender
    known_at: int
    sent_at: object
    is_history: bool


class PostHog(Dialect):
    kind: ClassVar[Literal["posthog"]] = "posthog"

    def read(self, body: bytes, sender: Sender, *, path: str, headers: Mapping[str, str], known_at: int) -> Reading:
        if path.rstrip("/").rpartition("/")[2] not in _PATHS:
            raise UnreadableError("unknown_path", f"There is no {path[:100]}.", 404)
        return _read(body, sender, known_at)

    def replay(self, body: bytes, sender: Sender, *, known_at: int) -> Reading:
        return _read(body, sender, known_at)


def _read(body: bytes, sender: Sender, known_at: int) -> Reading:
    request = request_of(body, "batch", takes_list=True)
    lent = request.around
    around = _Around(sender, known_at, lent.get("sent_at"), lent.get("historical_migration") is True)
    return read_items(
        request.items,
        _SHAPE,
        lambda item, place: _event(item, around, place),
        lambda kept, place: _lent(kept, around, place),
        is_large=len(body) > EVENT_BYTES,
    )


def _event(item: Mapping[str, object], around: _Around, place: int) -> Inbound:
    told = object_of(item.get("properties"), "properties")
    sent_name = name_of(item.get("event"), "event")
    name = _NAMES.get(sent_name, sent_name)
    contact = id_of(item.get("distinct_id"), "distinct_id") or id_of(told.get("distinct_id"), "properties.distinct_id")
    account = _account(object_of(told.get("$groups"), "$groups"))
    props = _own(told)
    if told.get("$process_person_profile") is False:
        # The id of somebody who is nobody in particular; it is another one in every event.
        contact = None
    if sent_name == "$groupidentify":
        account, contact = _told_group(told), None
        props = object_of(told.get("$group_set"), "$group_set")
    elif name == "contact_updated":
        props = object_of(item.get("$set"), "$set") or object_of(told.get("$set"), "$set")
    elif name == MERGE:
        previous, contact = contact, id_of(told.get("alias"), "alias")
        if previous is None or contact is None:
            raise RefusedError("no_subject", "the alias event does not name two ids.")
        props = {"previous_id": previous}
    elif sent_name in _NAMES:
        props = {**{title: told[key] for key, title in _TITLES.items() if key in told}, **props}
    if account is None and contact is None:
        raise RefusedError("no_subject", "the event names neither a contact (distinct_id) nor an account ($groups).")
    around.sender.check(name, props)
    message_id = id_of(item.get("uuid"), "uuid") or _made_id(_SHAPE.of(item), around, place)
    return Inbound(message_id, name, _at(item, around), account, contact, props_text(props))


def _own(told: Mapping[str, object]) -> Mapping[str, object]:
    """The properties that the sender gave an event, without those of PostHog's client."""
    return {key: value for key, value in told.items() if key[:1] != "$" and key not in ("token", "distinct_id")}


def _account(groups: Mapping[str, object]) -> str | None:
    for kind in _ACCOUNT_GROUPS:
        if kind in groups:
            return id_of(groups[kind], f"$groups.{kind}")
    only = list(groups.values())
    return id_of(only[0], "$groups") if len(only) == 1 else None


def _told_group(told: Mapping[str, object]) -> str | None:
    kind = told.get("$group_type")
    if kind not in _ACCOUNT_GROUPS:
        expected = ", ".join(_ACCOUNT_GROUPS)
        raise RefusedError(
            "unknown_group_type", f"the group type {str(kind)[:40]!r} is no account; expected {expected}."
        )
    return id_of(told.get("$group_key"), "$group_key")


def _at(item: Mapping[str, object], around: _Around) -> int:
    told = item.get("timestamp")
    if told is None:
        offset = item.get("offset")  # milliseconds before the receipt
        if isinstance(offset, int) and not isinstance(offset, bool) and 0 <= offset * 1000 <= around.known_at:
            return around.known_at - offset * 1000
        return around.known_at
    sent_at = sent_moment(item["sent_at"]) if "sent_at" in item else None
    if sent_at is None:
        sent_at = sent_moment(around.sent_at)
    is_history = around.is_history or item.get("historical_migration") is True
    return happened_at(moment(told, "timestamp"), None if is_history else sent_at, around.known_at)


def _made_id(kept: Mapping[str, object], around: _Around, place: int) -> str:
    content = {key: value for key, value in kept.items() if key not in ("sent_at", "uuid")}
    return made_id(content, None if kept.get("timestamp") is not None else (around.known_at, place))


def _lent(kept: Mapping[str, object], around: _Around, place: int) -> Mapping[str, object]:
    """What an event gets from its request, and the id made for it when it has none."""
    lent: dict[str, object] = {}
    if kept.get("uuid") in (None, ""):
        lent["uuid"] = _made_id(kept, around, place)
    if around.sent_at is not None and sent_moment(kept.get("sent_at")) is None:
        lent["sent_at"] = around.sent_at
    if around.is_history:
        lent["historical_migration"] = True
    return lent
