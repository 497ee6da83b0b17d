"""A way in by asking: the API of another system is read page by page, and each record becomes events.

Each system is one class in one file of `connectors/pulls`; its module docstring is the text users read. What is
asked, how pages follow each other and what a later pull leaves out is told as data; a pure function maps a record.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal
from urllib.parse import urlsplit

from keepwell.base.errors import UserError
from keepwell.base.settings import is_loopback
from keepwell.connectors.hook_event import Value, hook_event, iso_text
from keepwell.connectors.payload import Part, decoded
from keepwell.connectors.sentiment import without_words
from keepwell.connectors.values import RefusedError
from keepwell.facts.inbound import EVENT_BYTES, Inbound, Reading, Refusal, UnreadableError

URL: Final = "url"
Form = Literal["iso", "milliseconds", "seconds"]
Order = Literal["oldest first", "newest first", "whole"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One list of records at the system's API.

    `paginator` is what dlt's `rest_api` takes under that name. In `path`, `params` and `json`, "{since}" stands for the
    time from which on records are asked for, written as `form`; `cursor` is where a record tells its time.

    With order "oldest first" a pull goes on from the newest time it has seen. With "newest first" it asks on below the
    last page until it meets what the pull before began with. "whole" is listed anew by every pull.
    `resume` is the parameter that asks for the page behind a mark, and where a page tells the mark;
    `keeps_mark` says that the mark stands for the time as well, and that of the last page is good for the next pull.
    """

    name: str
    path: str
    records: str
    paginator: Mapping[str, object]
    order: Order
    params: Mapping[str, object] = field(default_factory=dict)
    json: Mapping[str, object] | None = None
    cursor: str = ""
    form: Form = "iso"
    overlap_s: int = 0
    resume: tuple[str, str] | None = None
    keeps_mark: bool = False
    end: str = ""
    """Where a page says by true that it is the last one, if the paginator cannot know."""
    is_once: bool = False
    """Read to its end only once; what comes later is told by another resource."""
    most: int = 0
    """How many records one question gives; behind them the next one goes on from the last record's time."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """One event of a record. `slot` names the thing it tells of; "" where the system gave it an id of its own.

    An event whose content is what was told last of its slot is no news. With `is_once` the first one stays.
    """

    slot: str
    event: Inbound
    is_once: bool = False


class Pull:
    """Base of all systems. A subclass gives `resources`, `events`, and where its API is and how one signs in."""

    kind: ClassVar[str]
    title: ClassVar[str]
    address: ClassVar[str] = ""
    """Where the API is; "" where every customer of the system has an own address."""
    expects: ClassVar[str] = ""
    """What the token is called there, and what it must be allowed to read."""
    headers: ClassVar[Mapping[str, str]] = {}
    resources: ClassVar[tuple[Resource, ...]]
    free_text: ClassVar[frozenset[str]] = frozenset()
    options: ClassVar[Mapping[str, str]] = {}

    def sign_in(self, settings: Mapping[str, object], token: str) -> Mapping[str, object]:
        """What dlt's `rest_api` takes under the name `auth`."""
        return {"type": "bearer", "token": token}

    def asked(self, settings: Mapping[str, object]) -> Mapping[str, object]:
        """What else stands in braces in a resource, by its name."""
        return {}

    def events(self, resource: str, record: Part, settings: Mapping[str, object], known_at: int) -> list[Pulled]:
        """The events of one record; raises `RefusedError` for one that cannot be taken."""
        raise NotImplementedError

    def url(self, settings: Mapping[str, object]) -> str:
        """The address of the API; secrets are sent to it, so it must be https, or this machine."""
        found = str(settings.get(URL) or self.address).rstrip("/")
        if not found:
            raise UserError(f"The address of {self.title} is missing; set it by --setting url=https://…")
        parts = urlsplit(found)
        is_here = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if not parts.hostname or not (parts.scheme == "https" or is_here):
            raise UserError(f"The address {found!r} of {self.title} is not https; set another by --setting url=…")
        return found

    def read(
        self, resource: str, record: object, settings: Mapping[str, object], *, known_at: int
    ) -> list[Pulled] | Refusal:
        """The events of a record as the API gave it, or why it is refused."""
        body = json.dumps(record, ensure_ascii=False).encode(errors="surrogatepass")
        try:
            return self.events(resource, Part.of(decoded(body)), settings, known_at)
        except (RefusedError, UnreadableError) as error:
            kept = record if settings.get("keep_text") is True else without_words(record, self.free_text, settings)
            text = json.dumps({"resource": resource, "record": kept}, ensure_ascii=False)
            message_id = Part.of(record).words("id")[:200]
            return Refusal(0, error.code, error.sentence, message_id, text.encode(errors="replace")[:EVENT_BYTES])

    def replay(self, body: bytes, settings: Mapping[str, object], *, known_at: int) -> Reading:
        """Read a refused record again."""
        kept = Part.of(decoded(body))
        found = self.read(kept.words("resource"), kept.value("record"), settings, known_at=known_at)
        if isinstance(found, Refusal):
            return Reading(refusals=[found])
        return Reading(events=[one.event for one in found])


def pulled(
    kind: str,
    slot: str,
    name: str,
    *,
    at: int | None,
    account: str | None,
    props: Mapping[str, Value],
    known_at: int,
    contact: str | None = None,
    is_once: bool = False,
) -> Pulled:
    """An event of a thing as it was from `at` on; its id says the system, the thing and that time."""
    message_id = f"{kind}:{slot}" if is_once else f"{kind}:{slot}:{at}"
    event = hook_event(
        name, message_id=message_id, at=at, account=account, contact=contact, props=props, known_at=known_at
    )
    return Pulled(slot, event, is_once)


def written(at: int, form: Form) -> str:
    """A time as a system wants to be asked for it."""
    if form == "iso":
        return (iso_text(at) or "1970-01-01T00:00:00.000000Z")[:23] + "Z"
    return str(at // (1_000 if form == "milliseconds" else 1_000_000))


def filled(value: object, names: Mapping[str, object]) -> object:
    """The value with what stands in braces filled in; a text that is nothing else becomes the value as it is."""
    if isinstance(value, str):
        for name, given in names.items():
            if value == f"{{{name}}}":
                return given
            value = value.replace(f"{{{name}}}", str(given))
        return value
    if isinstance(value, Mapping):
        return {key: filled(inner, names) for key, inner in value.items()}
    return [filled(inner, names) for inner in value] if isinstance(value, list | tuple) else value
