"""How a request to the intake is spelt.

A dialect is a pure function over bytes: no clock, no state, no network. It is one class in one file of
`connectors/dialects/`, which is called like its kind.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from keepwell.base.registry import kinds
from keepwell.connectors.trust import MERGE, TELLING_NAMES, guarded_trait
from keepwell.connectors.values import RefusedError
from keepwell.facts.inbound import Reading


@dataclass(frozen=True, slots=True)
class Sender:
    """What the key of a request allows.

    `is_trusted` is true for a server key and for a hook: all event names, all traits. `trusted_names` holds every
    spelling of the events that the catalogue calls trusted; `telling_names` those of the events whose
    properties become traits of an account or a contact.
    """

    is_trusted: bool
    trusted_names: frozenset[str]
    telling_names: frozenset[str] = TELLING_NAMES

    def check(self, name: str, props: Mapping[str, object]) -> None:
        """Raise `RefusedError` for an event that needs a server key, unless this is one."""
        if self.is_trusted:
            return
        if name in self.trusted_names or name == MERGE:
            raise RefusedError("needs_server_key", f"the event {name!r} is taken from a server key (srv_) only.")
        if name in self.telling_names:
            trait = guarded_trait(props)
            if trait is not None:
                sentence = f"the trait {trait!r} is taken from a server key (srv_) only."
                raise RefusedError("needs_server_key", sentence)


class Dialect(ABC):
    """One spelling; `kind` is the name of its file."""

    kind: ClassVar[str]

    @abstractmethod
    def read(self, body: bytes, sender: Sender, *, path: str, headers: Mapping[str, str], known_at: int) -> Reading:
        """The events of a request; its body is unpacked and bounded, header names are lower case.

        `known_at` is in microseconds since 1970 UTC. Raises `UnreadableError` and nothing else; an event that
        cannot be taken becomes a refusal, and its neighbours are taken.
        """

    @abstractmethod
    def replay(self, body: bytes, sender: Sender, *, known_at: int) -> Reading:
        """One event from the `body` of its refusal, mended or not; `known_at` is that of its first receipt.

        It keeps the message id that its refusal was given.
        """


def dialect_kinds() -> Mapping[str, type[Dialect]]:
    """Every dialect by its kind."""
    return kinds("keepwell.connectors.dialects", Dialect)  # type: ignore[type-abstract]  # the folder holds whole ones
