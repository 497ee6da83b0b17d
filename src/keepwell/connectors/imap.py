"""Fetches mail over IMAP, changing nothing in the mailbox."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from imap_tools import AND, BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted, MailMessage, U


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where mail lies. `security` "none" is for a server on this machine."""

    host: str
    port: int
    name: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    security: Literal["tls", "starttls", "none"] = "tls"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a folder was read: all up to `uid`, as long as the server still counts by `validity`."""

    validity: int
    uid: int


class _RawMessage(MailMessage):
    """Keeps the bytes as the server gave them."""

    def __init__(self, fetch_data: list[object]) -> None:
        super().__init__(fetch_data)
        self.raw: bytes = self._get_message_data_parts(fetch_data)[0]


def fetch_mail(
    mailbox: Mailbox, after: Position | None, *, limit: int, timeout: float
) -> Iterator[tuple[Position, bytes]]:
    """The mails after a position, oldest first, at most `limit`; each with the position to go on from next time.

    A folder that the server counts anew is read from its beginning; a mail that was read before has the same
    message id, so it counts once. `timeout` is in seconds, for each answer of the server. Raises `OSError`,
    `imaplib.IMAP4.error` or `imap_tools.errors.ImapToolsError` when the server cannot be reached or refuses.
    """
    opened = _opened(mailbox, timeout)
    try:
        opened.login(mailbox.name, mailbox.password, initial_folder=None)
        validity = opened.folder.status(mailbox.folder, ["UIDVALIDITY"])["UIDVALIDITY"]
        opened.folder.set(mailbox.folder, readonly=True)
        last = after.uid if after is not None and after.validity == validity else 0
        # "n:*" always holds the newest mail, even one below n.
        found = [int(uid) for uid in opened.uids(AND(uid=U(str(last + 1), "*")))]
        wanted = [str(uid) for uid in sorted(found) if uid > last][:limit]
        opened.email_message_class = _RawMessage
        for mail in opened.fetch(uid_list=wanted, mark_seen=False) if wanted else ():
            if isinstance(mail, _RawMessage) and mail.uid is not None:
                yield Position(validity, int(mail.uid)), mail.raw
    finally:
        opened.client.shutdown()


def _opened(mailbox: Mailbox, timeout: float) -> BaseMailBox:
    if mailbox.security == "tls":
        return MailBox(mailbox.host, mailbox.port, timeout=timeout)
    if mailbox.security == "starttls":
        return MailBoxStartTls(mailbox.host, mailbox.port, timeout=timeout)
    return MailBoxUnencrypted(mailbox.host, mailbox.port, timeout=timeout)
