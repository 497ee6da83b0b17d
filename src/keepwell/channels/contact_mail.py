"""Mail to contacts: how it is written, and handed over, many mails over one link.

The envelope sender is the address of the settings that mail comes from, so reports of what did not arrive go to the
mailbox that answers go to. They name the mail by its Message-ID, which every report of RFC 3464 returns; an envelope
sender of its own for each mail (`bounce+…@`, VERP) would need a server that knows such addresses, and tells no more.
"""

import re
import time
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from html import escape
from typing import Final

from keepwell.channels.channel import CONNECT_S, MailServer
from keepwell.channels.dkim_signature import UnsignedMailError, signed
from keepwell.channels.invitation import as_calendar, as_html, as_text
from keepwell.channels.mail_address import is_address
from keepwell.channels.smtp import BROKEN, MAIL_S, Link, handed_over, opened, unusable
from keepwell.facts.message import Receipt
from keepwell.facts.touch_message import TouchMessage

MOST_A_LINK: Final = 100
_LINK: Final = re.compile(r"https?://[!#-;=?-~]{1,900}")
_MESSAGE_ID: Final = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
_WORDS: Final = "To get no more messages like this one:"
_LABEL: Final = "No more messages like this one"
_FOOTER: Final = (
    '<div style="max-width:552px;margin:0 auto;padding:16px 24px;font-family:Arial,Helvetica,sans-serif;'
    'font-size:12px;line-height:18px;color:#5b6672"><a href="{link}" style="color:#5b6672">{label}</a></div>'
)


class _Policy(EmailPolicy):
    """Folds only what people write, into words of the length that RFC 2047 allows.

    The standard library writes any other long header, such as a List-Unsubscribe, as encoded words that no provider
    reads.
    """

    def fold(self, name: str, value: str) -> str:
        return str(_fitting(name).fold(name, value))

    def fold_binary(self, name: str, value: str) -> bytes:
        return bytes(_fitting(name).fold_binary(name, value))


# Only ASCII goes over the line, so that a server without 8BITMIME changes nothing that was signed.
_FOLDED: Final = SMTP.clone(cte_type="7bit")
_WHOLE: Final = _FOLDED.clone(max_line_length=998)
_POLICY: Final = _Policy(linesep="\r\n", cte_type="7bit")


def _fitting(name: str) -> "EmailPolicy[EmailMessage]":
    return _FOLDED if name.lower() == "subject" else _WHOLE


def written(message: TouchMessage, server: MailServer) -> EmailMessage:
    """The mail; below its text stand the meeting that it invites to, and a way to end such mails. Hand over its bytes:
    whatever writes the object itself folds the headers anew.

    Raises ValueError for a header that holds a line break, and for an address, a link or an id that is none.
    """
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _address(message.sender, server.sender)
    mail["To"] = _address(message.name, message.address)
    if message.reply_to:
        mail["Reply-To"] = _address("", message.reply_to)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = _bracketed(message.message_id)
    if message.earlier:
        mail["In-Reply-To"] = _bracketed(message.earlier[-1])
        mail["References"] = " ".join(map(_bracketed, message.earlier))
    if _LINK.fullmatch(message.unsubscribe) is None:
        raise ValueError(f"{message.unsubscribe[:100]!r} is no link to end such messages by")
    mail["List-Unsubscribe"] = f"<{message.unsubscribe}>"
    # RFC 8058 wants one click to go by https.
    if message.unsubscribe.startswith("https:"):
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    meeting = message.meeting
    told = f"{as_text(meeting)}\n\n" if meeting is not None else ""
    mail.set_content(f"{message.text.rstrip()}\n\n{told}{_WORDS}\n{message.unsubscribe}\n")
    if message.html:
        html = _at_the_end(message.html, as_html(meeting)) if meeting is not None else message.html
        mail.add_alternative(_with_footer(html, message.unsubscribe), subtype="html")
    if meeting is not None:
        request = as_calendar(message, meeting, server.sender)
        mail.add_alternative(request, subtype="calendar", params={"method": "REQUEST"})
    return mail


class ContactMail:
    """Hands mails over, many of them over one link. For one thread at a time."""

    def __init__(self, server: MailServer, *, mail_s: float = MAIL_S) -> None:
        self._server = server
        self._mail_s = mail_s
        self._link: Link | None = None
        self._sent = 0

    def send(self, message: TouchMessage) -> Receipt:
        """Hand a mail over, once. Never raises for what a server or the network does."""
        if not is_address(message.address):
            return Receipt("failed", f"{message.address[:120]!r} is not one mail address.")
        try:
            mail = signed(written(message, self._server).as_bytes(), self._server)
        except ValueError as error:
            return Receipt("failed", f"The mail cannot be written: {error}."[:200])
        except UnsignedMailError as error:
            return Receipt("refused", str(error))
        try:
            link = self._ready(time.monotonic() + self._mail_s)
        except BROKEN as error:
            return unusable(error)
        receipt = handed_over(link, self._server.sender, message.address, mail)
        self._sent += 1
        if receipt.outcome != "sent":
            self._drop()
        elif self._sent >= MOST_A_LINK:
            self.close()
        return receipt

    def close(self) -> None:
        """End the link, if there is one; the next mail opens another."""
        if self._link is not None:
            self._link.deadline = time.monotonic() + CONNECT_S
            try:
                self._link.quit()
            except BROKEN:
                pass
            finally:
                self._drop()

    def _ready(self, deadline: float) -> Link:
        """The kept link, if the server still answers on it; else a new one."""
        if self._link is not None:
            self._link.deadline = deadline
            try:
                is_alive = self._link.rset()[0] == 250
            except BROKEN:
                is_alive = False
            if not is_alive:
                self._drop()
        if self._link is None:
            self._link = opened(self._server, deadline)
            self._sent = 0
        return self._link

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


def _address(name: str, address: str) -> Address:
    if not is_address(address):
        raise ValueError(f"{address[:120]!r} is not one mail address")
    mailbox, _, domain = address.rpartition("@")
    return Address(display_name=name, username=mailbox, domain=domain)


def _bracketed(message_id: str) -> str:
    if _MESSAGE_ID.fullmatch(message_id) is None:
        raise ValueError(f"{message_id[:120]!r} is no Message-ID")
    return f"<{message_id}>"


def _with_footer(html: str, link: str) -> str:
    return _at_the_end(html, _FOOTER.format(link=escape(link), label=_LABEL))


def _at_the_end(html: str, block: str) -> str:
    """To the end of the body, or of what has none."""
    before, end, after = html.rpartition("</body>")
    return f"{before}{block}{end}{after}" if end else f"{html}{block}"
