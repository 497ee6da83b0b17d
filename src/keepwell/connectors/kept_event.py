"""What is kept of an event that was refused: one JSON text that stands alone and can be read again.

What its request lent to it is in it, and so is the id that was made for it. What no mapping looks at is forgotten:
neither keys nor addresses nor devices stay behind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final

from keepwell.connectors.json_parts import PartsError, members, object_text
from keepwell.connectors.request import MEMBERS, Broken, checked_item
from keepwell.connectors.strict_json import ENCODER, SORTED, quick
from keepwell.connectors.values import RefusedError, id_of
from keepwell.facts.inbound import BATCH_BYTES, Inbound, Reading, Refusal, UnreadableError

# What the refused events of one request are kept in, at most.
KEPT_BYTES: Final = 8 * BATCH_BYTES
_SMALL: Final = 4 * 1024


@dataclass(frozen=True, slots=True)
class Shape:
    """What is kept: members as they are, and of some members only those that a rule takes.

    `identify` gives the message id of what is kept; a missing or unreadable one may raise KeyError or be no id.
    """

    members: frozenset[str]
    inner: Mapping[str, Callable[[str], bool]]
    identify: Callable[[Mapping[str, object]], object]

    def keeps(self, key: str) -> bool:
        return key in self.members or key in self.inner

    def of(self, item: Mapping[str, object]) -> dict[str, object]:
        """What is kept of an event."""
        kept = {key: value for key, value in item.items() if key in self.members}
        for key, rule in self.inner.items():
            value = item.get(key)
            if isinstance(value, dict):
                kept[key] = {inner: one for inner, one in value.items() if rule(inner)}
            elif value is not None:
                kept[key] = value
        return kept


Lend = Callable[[Mapping[str, object]], Mapping[str, object]]
"""From what is kept of an event to what its request lends to it."""


def read_items(
    items: Sequence[object],
    shape: Shape,
    event: Callable[[dict[str, object], int], Inbound],
    lend: Callable[[Mapping[str, object], int], Mapping[str, object]],
    *,
    is_large: bool,
) -> Reading:
    """Every item as an event, or as a refusal that stands alone; `event` and `lend` are told its place.

    `is_large` says that the request is larger than one event may be.
    """
    found = Reading()
    for place, item in enumerate(items):
        try:
            found.events.append(event(checked_item(item, is_large=is_large), place))
        except RefusedError as error:
            keep(found, refusal_of(item, place, error, shape, partial(_lend_at, lend, place)))
    return found


def _lend_at(
    lend: Callable[[Mapping[str, object], int], Mapping[str, object]], place: int, kept: Mapping[str, object]
) -> Mapping[str, object]:
    return lend(kept, place)


def keep(found: Reading, refusal: Refusal) -> None:
    """Adds a refusal. What its request lends to each event is in it, so a small request could become a huge one:
    one that does is `UnreadableError`.
    """
    found.refusals.append(refusal)
    # The others together cannot be more than the request and this much for each.
    if len(refusal.body) > _SMALL and sum(len(one.body) for one in found.refusals) > KEPT_BYTES:
        sentence = "What the request says for all of its events is too large to be kept with each that is refused."
        raise UnreadableError("too_large", sentence, 413)


def refusal_of(item: object, place: int, error: RefusedError, shape: Shape, lend: Lend) -> Refusal:
    if isinstance(item, Broken):
        message_id, body = _of_text(item.text, shape, lend)
    elif isinstance(item, dict):
        kept = shape.of(item)
        kept = _merged(kept, lend(kept))
        message_id, body = _id(kept, shape), ENCODER.encode(kept)
    else:
        message_id, body = "", ENCODER.encode(item)
    return Refusal(place, error.code, error.sentence, message_id, body)


def made_id(content: object, moment: tuple[int, int] | None) -> str:
    """An id for an event that has none.

    Told again with its own time it gets the same one. Without a time nothing tells two alike apart but `moment`:
    when they were received, and their place in the request.
    """
    return "auto-" + sha256(SORTED.encode([content, moment])).hexdigest()[:32]


def _merged(kept: Mapping[str, object], lent: Mapping[str, object]) -> dict[str, object]:
    found = {**kept, **lent}
    for key, value in lent.items():
        own = kept.get(key)
        if isinstance(value, dict) and isinstance(own, dict):
            found[key] = {**value, **own}
    return found


def _of_text(text: bytes, shape: Shape, lend: Lend) -> tuple[str, bytes]:
    """The same for an event whose JSON is not strict: its own members stay the bytes that they were."""
    try:
        pairs = [(key, _inner(key, value, shape)) for key, value in members(text, MEMBERS) if shape.keeps(key)]
        readable = {key: _readable(value) for key, value in pairs}
        lent = lend(readable)
        for key, value in lent.items():
            if isinstance(value, dict) and key in readable:
                pairs = [(name, _with_lent(one, value) if name == key else one) for name, one in pairs]
            else:
                pairs = [*(pair for pair in pairs if pair[0] != key), (key, ENCODER.encode(value))]
    except PartsError:
        return "", text
    return _id({**readable, **lent}, shape), object_text(pairs)


def _inner(key: str, text: bytes, shape: Shape) -> bytes:
    """The member with only those of its own members that are kept."""
    rule = shape.inner.get(key)
    if rule is None or not text.startswith(b"{"):
        return text
    return object_text([pair for pair in members(text, MEMBERS) if rule(pair[0])])


def _with_lent(text: bytes, lent: Mapping[str, object]) -> bytes:
    own = members(text, MEMBERS) if text.startswith(b"{") else []
    told = {key for key, _ in own}
    return object_text([*own, *((key, ENCODER.encode(value)) for key, value in lent.items() if key not in told)])


def _readable(text: bytes) -> object:
    """The value of a member; where no reader is certain of it, an object, which is no id and no time."""
    try:
        return quick(text)
    except ValueError:
        return {"bytes": text.decode("utf-8", "backslashreplace")}


def _id(kept: Mapping[str, object], shape: Shape) -> str:
    try:
        return id_of(shape.identify(kept), "id") or ""
    except (KeyError, RefusedError):
        return ""
