"""CloudEvents over HTTP, in binary, structured and batched mode.

`type` names the event, `subject` the account, the extension `contactid` the contact; `data` are the properties, a JSON
object. Source and id together are the message id: "<source>#<id>", where a "#" or "%" of the source is written as a
percent code.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import ClassVar, Final, Literal
from urllib.parse import unquote_to_bytes

from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.exceptions import BaseCloudEventException

from keepwell.connectors.dialect import Dialect, Sender
from keepwell.connectors.json_parts import object_text
from keepwell.connectors.kept_event import Shape, read_items
from keepwell.connectors.request import Broken, request_of
from keepwell.connectors.strict_json import ENCODER, FaultError, strict
from keepwell.connectors.values import RefusedError, happened_at, id_of, moment, name_of, object_of, props_text
from keepwell.facts.inbound import EVENT_BYTES, Inbound, Reading, Refusal

_PREFIX: Final = "ce-"
_MEDIA_TYPE: Final = "application/cloudevents"
_DATA: Final = frozenset(["data", "data_base64"])
_MEMBERS: Final = "specversion id source type subject time contactid datacontenttype data data_base64"


def _message_id(kept: Mapping[str, object]) -> str | None:
    source, own = kept["source"], kept["id"]
    if not isinstance(source, str) or not isinstance(own, str):
        return None
    return source.replace("%", "%25").replace("#", "%23") + "#" + own


_SHAPE: Final = Shape(frozenset(_MEMBERS.split()), {}, _message_id)


class CloudEvents(Dialect):
    kind: ClassVar[Literal["cloudevents"]] = "cloudevents"

    def read(self, body: bytes, sender: Sender, *, path: str, headers: Mapping[str, str], known_at: int) -> Reading:
        is_structured = headers.get("content-type", "").strip().lower().startswith(_MEDIA_TYPE)
        if is_structured or not any(name.startswith(_PREFIX) for name in headers):
            return self.replay(body, sender, known_at=known_at)
        try:
            items = [_from_headers(headers, body)]
        except UnicodeError:
            text = ENCODER.encode({name: ascii(value) for name, value in headers.items() if name.startswith(_PREFIX)})
            return Reading([], [Refusal(0, "not_utf8", "a header of the event is not UTF-8.", "", text)])
        return _read(items, sender, known_at, is_large=len(body) > EVENT_BYTES)

    def replay(self, body: bytes, sender: Sender, *, known_at: int) -> Reading:
        items = request_of(body, None, takes_list=True).items
        return _read(items, sender, known_at, is_large=len(body) > EVENT_BYTES)


def _read(items: list[object], sender: Sender, known_at: int, *, is_large: bool) -> Reading:
    return read_items(
        items, _SHAPE, lambda item, _: _event(item, sender, known_at), lambda kept, _: {}, is_large=is_large
    )


def _event(item: Mapping[str, object], sender: Sender, known_at: int) -> Inbound:
    attributes = {key: value for key, value in item.items() if key not in _DATA and value is not None}
    _validate(attributes)
    name = name_of(attributes["type"], "type")
    account, contact = id_of(attributes.get("subject"), "subject"), id_of(attributes.get("contactid"), "contactid")
    if account is None and contact is None:
        raise RefusedError("no_subject", "the event names neither an account (subject) nor a contact (contactid).")
    message_id = id_of(_message_id(attributes), "source and id")
    props = object_of(_data(item), "data")
    sender.check(name, props)
    at = happened_at(moment(attributes["time"], "time"), None, known_at) if "time" in attributes else known_at
    return Inbound(message_id or "", name, at, account, contact, props_text(props))


def _validate(attributes: Mapping[str, object]) -> None:
    """Hold the attributes against the specification.

    The library makes up a missing id and a missing time, which would be another one at each try; so the id is
    asked for here, and the time is taken from the attribute itself.
    """
    if "id" not in attributes:
        raise RefusedError("message_id_missing", "the event has no id.")
    if any(isinstance(value, dict | list) for value in attributes.values()):
        raise RefusedError("cloudevent_invalid", "the event is no CloudEvent: an attribute is an object or a list.")
    try:
        from_structured_event(HTTPMessage({}, ENCODER.encode(attributes)))
    except (BaseCloudEventException, ValueError, TypeError, AttributeError, OverflowError) as error:
        sentence = f"the event is no CloudEvent: {' '.join(str(error).split())[:300]}"
        raise RefusedError("cloudevent_invalid", sentence) from None


def _data(item: Mapping[str, object]) -> object:
    data, coded = item.get("data"), item.get("data_base64")
    if data is not None or coded is None:
        return data
    try:
        return strict(b64decode(str(coded), validate=True))
    except FaultError as error:
        raise RefusedError(error.code, error.sentence) from None
    except ValueError:
        raise RefusedError("properties_invalid", "data_base64 is not Base64.") from None


def _from_headers(headers: Mapping[str, str], body: bytes) -> object:
    """An event in binary mode in the form that it has in structured mode.

    Raises `UnicodeError` for a header that is not UTF-8: the library would write a replacement for such bytes, and two
    ids would become one.
    """
    attributes: dict[str, object] = {
        name.removeprefix(_PREFIX): unquote_to_bytes(value).decode()
        for name, value in headers.items()
        if name.startswith(_PREFIX)
    }
    if "content-type" in headers:
        attributes["datacontenttype"] = headers["content-type"]
    if not body:
        return attributes
    try:
        return {**attributes, "data": strict(body)}
    except FaultError as error:
        if error.code in ("json_invalid", "too_deep"):
            return {**attributes, "data_base64": b64encode(body).decode()}
        pairs = [(name, ENCODER.encode(value)) for name, value in attributes.items()]
        return Broken(object_text([*pairs, ("data", body)]), error)
