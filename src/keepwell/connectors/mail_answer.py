"""What a mail says of mails of ours: somebody answers one, one did not arrive, or somebody does not want such mails.

All of them name mails of ours by their Message-IDs; whose these are is not known here.
"""

from dataclasses import dataclass

from keepwell.connectors.letter import BROKEN, LARGEST, Letter


@dataclass(frozen=True, slots=True)
class Answer:
    """A person answers. `ids` are the Message-IDs that they refer to, the newest first."""

    ids: tuple[str, ...]
    sender: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An address that was not reached, for good or for now; `reason` is what its server said, "" for nothing."""

    address: str
    is_permanent: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report that a mail did not arrive; `ids` are those that it returns, before those that it refers to."""

    ids: tuple[str, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """Somebody told the provider of their mailbox that they do not want such mails; `address` is "" where left out."""

    ids: tuple[str, ...]
    address: str


Saying = Answer | Bounce | Complaint


def said_by(body: bytes) -> Saying | None:
    """None for any other mail, such as an automatic answer, one that refers to nothing, or what is no mail.

    Never raises.
    """
    if len(body) > LARGEST:
        return None
    try:
        letter = Letter(body)
        if letter.is_feedback:
            return Complaint(_named(letter), letter.complainer) if letter.is_complaint else None
        failures = letter.failures()
        if failures:
            reasons = letter.reasons()
            found = tuple(Failure(address, permanent, reasons.get(address, "")) for address, permanent in failures)
            return Bounce(_named(letter), found)
        if letter.is_automatic or not letter.references:
            return None
        return Answer(tuple(letter.references), letter.sender)
    except BROKEN:
        return None


def _named(letter: Letter) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*letter.returned_ids, *letter.references]))
