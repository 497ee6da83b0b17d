"""A mail that came in, as far as we read it."""

import hashlib
import re
from email.errors import MessageError
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from typing import Final

from flufl.bounce import all_failures
from imap_tools import MailMessage
from mailparser_reply import EmailReplyParser

from keepwell.connectors.hook_event import iso_time
from keepwell.connectors.sentiment import plain_text

LARGEST: Final = 32 * 1024 * 1024
"""A mail of more bytes is not read."""
_LONGEST_HEADER: Final = 16_384
_LONGEST_TEXT: Final = 8_000
_LONGEST_LINE: Final = 500
_EMPTY_LINES: Final = re.compile(r"\n{3,}")
_REFERENCE: Final = re.compile(r"<([^<>\s]{1,500})>")
_RETURNED: Final = re.compile(rb"(?im)^[> \t]*message-id:\s*<([^<>\s]{1,500})>")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_END_OF_HEAD: Final = re.compile(rb"\r?\n\r?\n")
_LARGEST_REPORT: Final = 1024 * 1024
_MOST_REFERENCES: Final = 50
_LONGEST_REASON: Final = 200
_COMPLAINTS: Final = ("abuse", "fraud", "opt-out", "opt-out-list", "other")
_REPLY_TAG: Final = re.compile(r"reply\+([A-Za-z0-9_.=-]{1,200})@")
# What the libraries raise when a mail breaks the rules that they take for granted.
BROKEN: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError, MessageError)


class Letter:
    """A mail as far as we read it. What mail programs may spell wrongly is read with tolerance."""

    def __init__(self, body: bytes) -> None:
        self._body = body
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
        found = [*_REFERENCE.findall(self.header("in-reply-to")[:_LONGEST_HEADER]), *reversed(older)]
        return list(dict.fromkeys(found))[:_MOST_REFERENCES]

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
        if not self._is_report or self.is_feedback:
            return []
        temporary, permanent = all_failures(self._mail.obj)
        found = {_plain(address): False for address in temporary}
        found.update({_plain(address): True for address in permanent})
        return sorted((address, is_permanent) for address, is_permanent in found.items() if address)

    def reasons(self) -> dict[str, str]:
        """What a report of RFC 3464 says of each address: its status, and the words of the server that refused."""
        found: dict[str, str] = {}
        for block in self._blocks("message/delivery-status"):
            words = _one_line(f"{block.get('status', '')} {block.get('diagnostic-code', '')}")
            for name in ("original-recipient", "final-recipient"):
                address = _plain(str(block.get(name, "")).rpartition(";")[2])
                if address:
                    found[address] = words[:_LONGEST_REASON]
        return found

    @property
    def returned_ids(self) -> list[str]:
        """The Message-IDs of the mails that a report returns, whole, as headers or as a quotation."""
        head = _END_OF_HEAD.search(self._body)
        rest = self._body[head.end() :][:_LARGEST_REPORT] if head else b""
        found = (match.group(1).decode(errors="replace") for match in _RETURNED.finditer(rest))
        return list(dict.fromkeys(found))[:_MOST_REFERENCES]

    @property
    def is_feedback(self) -> bool:
        """A report of RFC 5965: what somebody did with a mail of ours, such as calling it spam."""
        return bool(self._mail.obj.get_param("report-type") == "feedback-report")

    @property
    def is_complaint(self) -> bool:
        """Feedback by which somebody says that they do not want such mails."""
        kinds = {str(block.get("feedback-type", "")).strip().lower() for block in self._feedback()}
        return self.is_feedback and bool(kinds & set(_COMPLAINTS))

    @property
    def complainer(self) -> str:
        """Whose complaint it is, "" where the report leaves that out."""
        found = (_address(str(block.get("original-rcpt-to", ""))) for block in self._feedback())
        return next(filter(None, found), "")

    def _feedback(self) -> list[Message]:
        return self._blocks("message/feedback-report")

    def _blocks(self, kind: str) -> list[Message]:
        """The groups of fields in the parts of a kind."""
        parts = [part.get_payload() for part in self._mail.obj.walk() if part.get_content_type() == kind]
        return [block for part in parts if isinstance(part, list) for block in part if isinstance(block, Message)]

    @property
    def _is_report(self) -> bool:
        by_daemon = self.sender.partition("@")[0] in ("mailer-daemon", "postmaster")
        return self._mail.obj.get_content_type() == "multipart/report" or by_daemon or self._returns_nowhere

    @property
    def _returns_nowhere(self) -> bool:
        return self.header("return-path").strip() == "<>"


def _address(header: str) -> str:
    """The address of a sender in lower case, since hardly any server tells the cases apart."""
    return parseaddr(header)[1].lower()


def _one_line(words: str) -> str:
    """Words that can be stored and shown."""
    return " ".join(_CONTROL.sub(" ", words).encode(errors="replace").decode().split())


def _plain(address: bytes | str) -> str:
    text = address.decode(errors="replace") if isinstance(address, bytes) else address
    return text.strip().lower()
