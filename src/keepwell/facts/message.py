"""A message as a channel takes it, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Outcome = Literal["sent", "refused", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One notice as programs read it: the name of what it tells, when that came up, and values of JSON."""

    name: str
    at: datetime
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Message:
    """Plain text, and the same for programs in `entries`. `id` is the same for the same message, however often it is
    tried; `at` is when it is tried."""

    id: str
    subject: str
    text: str
    at: datetime
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message.

    `refused` means that it clearly was not taken, and may be tried again later; `failed` that trying again is of no
    use; `unknown` that it may have been taken, so it must not be sent again. `detail` says why, without any secret.
    """

    outcome: Outcome
    detail: str = ""
