"""A way out: takes a message to a target, such as a mail address or the address of a hook.

Each kind is one class in one file of `channels/kinds`; its module docstring is the text users read.
A channel reaches the network and nothing else: no clock, no database.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

from keepwell.base.errors import UserError
from keepwell.facts.message import Message, Receipt

CONNECT_S: Final = 5.0
ANSWER_S: Final = 15.0
"""How long a peer may take to answer one step."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. `security` "none" is for a server on this machine.

    With a `dkim_selector` mail is signed with the key in `dkim_key_file` before it is handed in.
    """

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    sender: str
    login: str = ""
    password: str = field(default="", repr=False)
    dkim_selector: str = ""
    dkim_key_file: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """What the operator has set up for all messages; `mail_server` is None where there is none."""

    mail_server: MailServer | None = None
    allows_private: bool = False


class TargetError(UserError):
    """A target cannot be used; says what was expected, and never repeats a target that is secret."""


class Channel:
    """Base of all ways out."""

    kind: ClassVar[str]
    title: ClassVar[str]
    """What the channel is called on screen."""
    target: ClassVar[str]
    """What its target is, for people."""
    is_for_programs: ClassVar[bool] = False
    """Whether a program reads it: each notice then goes by itself, and what a step posts goes there."""

    def completed(self, target: str) -> tuple[str, str]:
        """The target with what it lacks and can be made, such as a secret; and that, to be shown once, or ""."""
        return target, ""

    def checked(self, target: str, means: Means) -> str:
        """The target as it is kept; raises `TargetError` for one that cannot be used."""
        raise NotImplementedError

    def shown(self, target: str) -> str:
        """What may be shown of a target: enough to know it again, never what lets somebody use it."""
        raise NotImplementedError

    def send(self, target: str, message: Message, means: Means) -> Receipt:
        """Hand a message over, once. Never raises for what a peer or the network does."""
        raise NotImplementedError
