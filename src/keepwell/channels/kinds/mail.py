"""Mail by SMTP, through the mail server of the settings (`mail_host` and its neighbours).

The target is one mail address. A server on the same machine or nearby keeps the time short in which nobody can know
whether a mail was taken.
"""

import time
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import ClassVar, Final, Literal

from keepwell.channels.channel import Channel, MailServer, Means, TargetError
from keepwell.channels.dkim_signature import UnsignedMailError, signed
from keepwell.channels.mail_address import is_address
from keepwell.channels.smtp import BROKEN, MAIL_S, handed_over, opened, unusable
from keepwell.facts.message import Message, Receipt

# A header of ours is never folded into encoded words because it is long, and only ASCII goes over the line.
_POLICY: Final = SMTP.clone(max_line_length=998, cte_type="7bit")


class Mail(Channel):
    kind: ClassVar[Literal["mail"]] = "mail"
    title: ClassVar[str] = "Mail"
    target: ClassVar[str] = "one mail address"

    def checked(self, target: str, means: Means) -> str:
        address = target.strip()
        if not is_address(address):
            raise TargetError(f"{target[:120]!r} is not one mail address; expected one such as ada@example.org.")
        if means.mail_server is None:
            raise TargetError(
                "There is no mail server yet; set mail_host and mail_sender in keepwell.toml "
                "(or KEEPWELL_MAIL_HOST and KEEPWELL_MAIL_SENDER)."
            )
        return address

    def shown(self, target: str) -> str:
        return target

    def send(self, target: str, message: Message, means: Means) -> Receipt:
        if means.mail_server is None:
            return Receipt("failed", "No mail server is set up; set mail_host and mail_sender.")
        try:
            mail = signed(written(target, message, means.mail_server).as_bytes(), means.mail_server)
        except UnsignedMailError as error:
            return Receipt("refused", str(error))
        try:
            link = opened(means.mail_server, time.monotonic() + MAIL_S)
        except BROKEN as error:
            return unusable(error)
        try:
            return handed_over(link, means.mail_server.sender, target, mail)
        finally:
            link.close()


def written(target: str, message: Message, server: MailServer) -> EmailMessage:
    """The mail itself; raises ValueError for a header that holds a line break."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = server.sender
    mail["To"] = target
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.id}.notice@{server.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail
