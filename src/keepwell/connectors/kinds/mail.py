"""Replies and bounces from a mailbox.

Give Keepwell a mailbox of its own to which answers to its mails come back, and enter its IMAP server, name and password
in the settings of the source; it is read by `keepwell pull` and nothing in it is changed. There is no address to enter
anywhere.

| mail | becomes |
|---|---|
| an answer to a mail of ours | `message_replied` from the sender's address, with the tone of the new text |
| another mail | `message_received` |
| a report that a mail of ours did not arrive | `message_bounced` for each address, `permanent` or not |
| an automatic answer, such as an absence notice, and mail to lists | nothing |

A mail answers one of ours if it refers to a Message-ID at the `domain` of the settings or was sent to `reply+…@`;
without a `domain`, any answer counts. What the reply quotes, and the signature below it, are left out of the tone. A
mail that says it was sent later than it came counts from when it came.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from email.errors import MessageError
from email.utils import parseaddr, parsedate_to_datetime
from typing import ClassVar, Final, Literal

from flufl.bounce import all_failures
from imap_tools import MailMessage
from mailparser_reply import EmailReplyParser

from keepwell.connectors.connector import Connector, Delivery, UnsignedError
from keepwell.connectors.hook_event import Value, hook_event, iso_time
from keepwell.connectors.payload import Part
from keepwell.connectors.sentiment import COMPETITORS, plain_text, told_of_text
from keepwell.facts.inbound import Inbound, UnreadableError

_LONGEST_HEADER: Final = 16_384
_LONGEST_TEXT: Final = 8_000
_LONGEST_LINE: Final = 500
_EMPTY_LINES: Final = re.compile(r"\n{3,}")
_REFERENCE: Final = re.compile(r"<([^<>\s]{1,500})>")
_REPLY_TAG: Final = re.compile(r"reply\+([A-Za-z0-9_.=-]{1,200})@")
# What the libraries raise when a mail breaks the rules that they take for granted.
_BROKEN: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError, MessageError)


class Mail(Connector):
    kind: ClassVar[Literal["mail"]] = "mail"
    title: ClassVar[str] = "Mailbox"
    largest: ClassVar[int] = 32 * 1024 * 1024
    options: ClassVar[Mapping[str, str]] = {
        "host": "The IMAP server.",
        "port": "Its port; 993 without it.",
        "security": "tls, starttls, or none for a server on this machine; tls without it.",
        "name": "The name to sign in with; the password is the secret of the source.",
        "folder": "The folder to read; INBOX without it.",
        "domain": "The domain of the Message-IDs that Keepwell sends.",
        "languages": "Languages in which mail programs announce a quotation, such as [en, de]; en without it.",
        "keep_text": "Keep what contacts write; without it only its tone and length.",
        "competitors": COMPETITORS,
    }

    def check(self, delivery: Delivery, secret: str, settings: Mapping[str, object]) -> None:
        raise UnsignedError("Mail is fetched from a mailbox; it cannot be posted here.")

    def items(self, delivery: Delivery) -> Iterable[tuple[Part, bytes]]:
        return [(Part({}), delivery.body)]

    def events(self, item: Part, delivery: Delivery, settings: Mapping[str, object]) -> list[Inbound]:
        try:
            letter = Letter(delivery.body)
            failures = letter.failures()
            if failures:
                return [_bounced(letter, address, permanent, delivery) for address, permanent in failures]
            if letter.is_automatic:
                return []
            return [_written(letter, delivery, settings)]
        except _BROKEN as error:
            raise UnreadableError("not_mail", "The bytes are no mail that can be read.") from error

    def kept(self, body: bytes, settings: Mapping[str, object]) -> bytes:
        """Only the headers, unless the owner chose to keep what contacts write."""
        head, *_ = re.split(rb"\r?\n\r?\n", body, maxsplit=1)
        return body if settings.get("keep_text") is True else head + b"\r\n\r\n"

    def message_id(self, item: Part, delivery: Delivery) -> str:
        try:
            return Letter(delivery.body).message_id
        except _BROKEN:
            return ""


class Letter:
    """A mail as far as we read it. What mail programs may spell wrongly is read with tolerance."""

    def __init__(self, body: bytes) -> None:
        self._mail = MailMessage.from_bytes(body)
        found = _REFERENCE.search(self.header("message-id"))
        self.message_id = found.group(1) if found else "auto-" + hashlib.sha256(body).hexdigest()[:32]
        self.sender = _address(self.header("from"))
        self.automatic_kind = self.header("auto-submitted").lower().partition(";")[0].strip()

    def header(self, name: str) -> str:
        """The first header of a name as plain characters, "" for none."""
        values = self._mail.headers.get(name) or ("",)
        return str(values[0]).replace("\r", "").replace("\n", "").encode(errors="replace").decode()

    @property
    def is_automatic(self) -> bool:
        """RFC 3834, and what programs did before it."""
        is_bulk = self.header("precedence").lower().strip() in ("bulk", "junk", "list", "auto_reply")
        is_answer = any(self.header(name) for name in ("x-autoreply", "x-autorespond", "list-id"))
        return self.automatic_kind not in ("", "no") or is_bulk or is_answer or self._is_report

    @property
    def references(self) -> list[str]:
        """The Message-IDs that the mail answers, the newest first."""
        older = _REFERENCE.findall(self.header("references")[:_LONGEST_HEADER])
        return list(dict.fromkeys([*_REFERENCE.findall(self.header("in-reply-to")), *reversed(older)]))

    @property
    def reply_tag(self) -> str | None:
        """What stands behind `reply+` in the address it was sent to."""
        places = (self.header(name) for name in ("to", "cc", "delivered-to", "x-original-to"))
        return next((found.group(1) for place in places if (found := _REPLY_TAG.search(place))), None)

    def text(self, languages: list[str]) -> str:
        """What the sender wrote anew, without quotations and signature."""
        whole = (self._mail.text or plain_text(self._mail.html))[:_LONGEST_TEXT]
        # The library's patterns take the square of a line's length, and of a run of empty lines.
        pieces = (
            line[start : start + _LONGEST_LINE].strip()
            for line in whole.splitlines()
            for start in range(0, len(line) or 1, _LONGEST_LINE)
        )
        text = _EMPTY_LINES.sub("\n\n", "\n".join(pieces))
        replies = EmailReplyParser(languages=languages).read(text).replies
        return str(replies[0].body) if replies else ""

    def sent_at(self, known_at: int) -> int:
        """Microseconds since 1970; when it came for a mail without a date, or from the future."""
        try:
            sent = iso_time(parsedate_to_datetime(self.header("date")).isoformat())
        except (ValueError, OverflowError):
            sent = None
        return known_at if sent is None or not 0 <= sent <= known_at else sent

    def failures(self) -> list[tuple[str, bool]]:
        """The addresses that a report says were not reached, each with whether for good."""
        if not self._is_report:
            return []
        temporary, permanent = all_failures(self._mail.obj)
        found = {_plain(address): False for address in temporary}
        found.update({_plain(address): True for address in permanent})
        return sorted((address, is_permanent) for address, is_permanent in found.items() if address)

    @property
    def _is_report(self) -> bool:
        by_daemon = self.sender.partition("@")[0] in ("mailer-daemon", "postmaster")
        return self._mail.obj.get_content_type() == "multipart/report" or by_daemon or self._returns_nowhere

    @property
    def _returns_nowhere(self) -> bool:
        return self.header("return-path").strip() == "<>"


def _bounced(letter: Letter, address: str, permanent: bool, delivery: Delivery) -> Inbound:
    return hook_event(
        "message_bounced",
        message_id=f"{letter.message_id}/{address}",
        at=letter.sent_at(delivery.known_at),
        account=None,
        contact=address,
        props={"channel": "mail", "permanent": permanent},
        known_at=delivery.known_at,
    )


def _written(letter: Letter, delivery: Delivery, settings: Mapping[str, object]) -> Inbound:
    domain = settings.get("domain")
    chosen = settings.get("languages")
    languages = [str(language) for language in chosen] if isinstance(chosen, list) else ["en"]
    ours = [
        reference
        for reference in letter.references
        if not isinstance(domain, str) or reference.lower().endswith(f"@{domain.lower()}")
    ]
    props: dict[str, Value] = {
        "channel": "mail",
        "in_reply_to": ours[0] if ours else None,
        "reply_tag": letter.reply_tag,
        **told_of_text(letter.text(languages), settings),
    }
    return hook_event(
        "message_replied" if ours or letter.reply_tag else "message_received",
        message_id=letter.message_id,
        at=letter.sent_at(delivery.known_at),
        account=None,
        contact=letter.sender or None,
        props=props,
        known_at=delivery.known_at,
    )


def _address(header: str) -> str:
    """The address of a sender in lower case, since hardly any server tells the cases apart."""
    return parseaddr(header)[1].lower()


def _plain(address: bytes | str) -> str:
    text = address.decode(errors="replace") if isinstance(address, bytes) else address
    return text.strip().lower()
