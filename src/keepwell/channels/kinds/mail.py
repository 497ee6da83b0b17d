"""Mail by SMTP, through the mail server of the settings (`mail_host` and its neighbours).

The target is one mail address. A server on the same machine or nearby keeps the time short in which nobody can know
whether a mail was taken.
"""

import re
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import ClassVar, Final, Literal

from keepwell.channels.channel import ANSWER_S, Channel, MailServer, Means, TargetError
from keepwell.facts.message import Message, Receipt

# One address and nothing around it: the parser of the standard library also takes lists and comments.
ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_LONGEST_ADDRESS: Final = 254
_LONGEST_REASON: Final = 200
# A header of ours is never folded into encoded words because it is long.
_POLICY: Final = SMTP.clone(max_line_length=998)


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
        mail = written(target, message, means.mail_server).as_bytes()
        try:
            server = _opened(means.mail_server)
        except (OSError, smtplib.SMTPException) as error:
            return Receipt("refused", f"The mail server cannot be used: {_reason(error)}")
        try:
            return _handed_over(server, target, mail, means.mail_server.sender)
        finally:
            server.close()


def is_address(text: str) -> bool:
    """Whether a text is exactly one mail address."""
    return len(text) <= _LONGEST_ADDRESS and ADDRESS.fullmatch(text) is not None


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


def _opened(server: MailServer) -> smtplib.SMTP:
    """A server that has greeted us, in TLS and signed in where the settings say so."""
    if server.security == "tls":
        found: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=ANSWER_S, context=ssl.create_default_context()
        )
    else:
        found = smtplib.SMTP(server.host, server.port, timeout=ANSWER_S)
    try:
        if server.security == "starttls":
            found.starttls(context=ssl.create_default_context())
        found.ehlo_or_helo_if_needed()
        if server.login:
            found.login(server.login, server.password)
    except BaseException:
        found.close()
        raise
    return found


def _handed_over(server: smtplib.SMTP, target: str, mail: bytes, sender: str) -> Receipt:
    try:
        for code, reason in (server.mail(sender), server.rcpt(target)):
            if code // 100 != 2:
                return _answered(code, reason)
    except (OSError, smtplib.SMTPException) as error:
        return Receipt("refused", f"The mail server cannot be used: {_reason(error)}")
    try:
        code, reason = server.data(mail)
    except smtplib.SMTPDataError as error:
        return _answered(error.smtp_code, error.smtp_error)
    except (OSError, smtplib.SMTPException) as error:
        # From here on the server may have taken the mail without being able to say so.
        return Receipt("unknown", f"The link broke while the mail was handed over: {_reason(error)}")
    return Receipt("sent") if code == 250 else _answered(code, reason)


def _answered(code: int, reason: bytes | str) -> Receipt:
    """What an answer of the server other than yes means."""
    words = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    detail = " ".join(f"The mail server answered {code}: {words}".split())[:_LONGEST_REASON]
    return Receipt("refused" if 400 <= code < 500 else "failed", detail)


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())[:_LONGEST_REASON]
