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
mail that says it was sent later than it came counts from when it came. Mail that names a touch by its Message-ID is of
the account and the contact of the touch, whatever the settings say.
"""

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

from keepwell.connectors.connector import Connector, Delivery, UnsignedError
from keepwell.connectors.hook_event import Value, hook_event
from keepwell.connectors.letter import BROKEN, LARGEST, Letter
from keepwell.connectors.payload import Part
from keepwell.connectors.sentiment import COMPETITORS, told_of_text
from keepwell.facts.inbound import Inbound, UnreadableError


class Mail(Connector):
    kind: ClassVar[Literal["mail"]] = "mail"
    title: ClassVar[str] = "Mailbox"
    largest: ClassVar[int] = LARGEST
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
        except BROKEN as error:
            raise UnreadableError("not_mail", "The bytes are no mail that can be read.") from error

    def kept(self, body: bytes, settings: Mapping[str, object]) -> bytes:
        """Only the headers, unless the owner chose to keep what contacts write."""
        head, *_ = re.split(rb"\r?\n\r?\n", body, maxsplit=1)
        return body if settings.get("keep_text") is True else head + b"\r\n\r\n"

    def message_id(self, item: Part, delivery: Delivery) -> str:
        try:
            return Letter(delivery.body).message_id
        except BROKEN:
            return ""


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
