"""A way in by hook: another system posts what happened to /hooks/<kind>, signed.

Each kind is one class in one file of `connectors/kinds`; its module docstring is the text users read.
A connector is a pure function of the delivery: no clock, no database, no network.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from keepwell.connectors.payload import Part, decoded
from keepwell.connectors.sentiment import without_words
from keepwell.connectors.values import RefusedError
from keepwell.facts.inbound import BATCH_BYTES, Inbound, Reading, Refusal, UnreadableError

LONGEST_MESSAGE_ID: Final = 512


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request as it came. `headers` have lower-case names; `known_at` is in microseconds since 1970 UTC.

    `url` is the whole public address, as the sender wrote it; some signatures cover it.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    known_at: int


class UnsignedError(Exception):
    """The delivery does not show who sent it; the answer is 401. Says which check failed, never the secret."""


class Connector:
    """Base of all ways in by hook. A subclass gives `check` and `events`, and `items` where a delivery holds a list."""

    kind: ClassVar[str]
    title: ClassVar[str]
    """What the connector is called on screen."""
    largest: ClassVar[int] = BATCH_BYTES
    """A delivery of more bytes is refused, and kept."""
    free_text: ClassVar[frozenset[str]] = frozenset()
    """Members that hold words of people. Of a refused event their tone is kept, and they only by the owner's choice."""
    options: ClassVar[Mapping[str, str]] = {}
    """The settings a source may have, each with a sentence about it."""

    def verify(self, delivery: Delivery, secrets: Sequence[str], settings: Mapping[str, object]) -> None:
        """Return if one of the secrets signed the delivery; raise `UnsignedError`, and nothing else, if none did.

        Several secrets are valid at once while they are being changed.
        """
        if not secrets:
            raise UnsignedError("This source has no secret yet, so nothing can be checked.")
        failed: UnsignedError | None = None
        for secret in secrets:
            try:
                self.check(delivery, secret, settings)
            except UnsignedError as error:
                failed = failed or error
            else:
                return
        raise failed or UnsignedError("The signature does not match.")

    def check(self, delivery: Delivery, secret: str, settings: Mapping[str, object]) -> None:
        """Raise `UnsignedError` unless this secret signed the delivery."""
        raise NotImplementedError

    def read(self, delivery: Delivery, settings: Mapping[str, object]) -> Reading:
        """The events of a delivery. What we do not use gives none; what cannot be taken is refused and kept.

        Raises nothing but `UnreadableError`. A refusal's `body` is enough to read the event again; see `replay`.
        """
        if len(delivery.body) > self.largest:
            sentence = f"The delivery has {len(delivery.body)} bytes; at most {self.largest} are taken."
            return Reading(refusals=[Refusal(0, "too_large", sentence, "", self.kept(delivery.body, settings))])
        reading = Reading()
        for place, (item, body) in enumerate(self.items(delivery)):
            try:
                reading.events.extend(self.events(item, delivery, settings))
            except RefusedError as error:
                message_id = self.message_id(item, delivery)[:LONGEST_MESSAGE_ID]
                kept = self.kept(body, settings)
                reading.refusals.append(Refusal(place, error.code, error.sentence, message_id, kept))
        return reading

    def replay(self, body: bytes, message_id: str, settings: Mapping[str, object], *, known_at: int) -> Reading:
        """Read a refused event again from what was kept of it, under the same id. Its signature was checked before."""
        return self.read(Delivery("POST", "", self.headers_again(message_id), body, known_at), settings)

    def items(self, delivery: Delivery) -> Iterable[tuple[Part, bytes]]:
        """The parts of a delivery that stand alone, each with the bytes that are kept if it is refused."""
        return [(Part.of(decoded(delivery.body)), delivery.body)]

    def events(self, item: Part, delivery: Delivery, settings: Mapping[str, object]) -> list[Inbound]:
        """The events of one item; raises `RefusedError` for one that cannot be taken."""
        raise NotImplementedError

    def kept(self, body: bytes, settings: Mapping[str, object]) -> bytes:
        """What is kept of a refused event: all of it, but for words that were not to be kept."""
        if settings.get("keep_text") is True or not self.free_text:
            return body
        try:
            value = decoded(body)
        except UnreadableError:
            return body
        reduced = without_words(value, self.free_text, settings)
        return body if reduced == value else json.dumps(reduced, ensure_ascii=False).encode()

    def message_id(self, item: Part, delivery: Delivery) -> str:
        """The sender's own id of an item that was refused, "" for none. Never raises."""
        return item.words("id")

    def headers_again(self, message_id: str) -> Mapping[str, str]:
        """The headers that `read` needs besides the body."""
        return {}
