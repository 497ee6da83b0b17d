"""Events on their way in, one by one, as a way in understood them.

`ARRIVALS` is the same as columns, once the account is certain; these are what the inbox keeps.
"""

from dataclasses import dataclass, field
from typing import Final

import msgspec

# What a way in takes at most; beyond it the event, or the whole request, is refused with a code.
EVENT_BYTES: Final = 64 * 1024
BATCH_BYTES: Final = 1024 * 1024
BATCH_EVENTS: Final = 2_500
DEPTH: Final = 20
KEYS: Final = 200
TEXT_BYTES: Final = 8 * 1024
LARGEST_INTEGER: Final = 2**53


class Inbound(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event.

    `at` is when it happened, in microseconds since 1970 UTC, after the clock of the sender was corrected.
    Without an account the event belongs to the account of its contact, which is looked up when it is
    sealed. `props` is one JSON object, "" for none.
    """

    message_id: str
    name: str
    at: int
    account: str | None
    contact: str | None
    props: str


class Refusal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event that cannot be taken: `place` in its request from 0, a stable code, a sentence, and its bytes."""

    place: int
    code: str
    sentence: str
    message_id: str
    body: bytes


@dataclass(slots=True)
class Reading:
    """What a request holds. Every event of it is in one of the two lists."""

    events: list[Inbound] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def received(self) -> int:
        return len(self.events) + len(self.refusals)


class UnreadableError(Exception):
    """A request of which no event can be told apart; `status` is its HTTP answer."""

    def __init__(self, code: str, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.status = status
