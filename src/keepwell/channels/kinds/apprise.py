"""Over a hundred services by Apprise: Teams, Discord, Telegram, PagerDuty, SMS and more.

The target is an Apprise URL, such as `workflows://…` for Teams or `json://host/path` for a hook of your own; Apprise's
documentation has the form for each service. It holds keys and passwords, so it is kept like one.
"""

import logging
import re
from typing import ClassVar, Final, Literal

from apprise import Apprise as Library
from apprise import AppriseAsset, NotifyBase, NotifyFormat
from apprise.result import AppriseResult, AppriseResultStatus

from keepwell.channels.channel import ANSWER_S, CONNECT_S, Channel, Means, TargetError
from keepwell.channels.hook_status import told_by_status
from keepwell.channels.library_log import keep_to_themselves
from keepwell.channels.public_net import UNREACHABLE, is_plainly_private, public_only
from keepwell.facts.message import Message, Receipt

# What the library writes to its log when a connection was never there. Nothing of the log is kept or shown.
_NEVER_CONNECTED: Final = re.compile(
    r"NewConnectionError|ConnectTimeout|NameResolutionError|Connection refused|SSLError|ConnectionRefusedError"
)
_STATUS: Final = re.compile(r"\berror=([1-5][0-9]{2})\b")
# These show messages on the screen of this machine, or write them to its log; nobody would read them there.
_HERE: Final = ("dbus", "glib", "gnome", "growl", "kde", "macosx", "qt", "syslog", "windows")


class Apprise(Channel):
    kind: ClassVar[Literal["apprise"]] = "apprise"
    title: ClassVar[str] = "Apprise"
    target: ClassVar[str] = "an Apprise URL, such as workflows://… or json://host/path"

    def checked(self, target: str, means: Means) -> str:
        service = _service(target.strip())
        if service is None or target.strip().partition("://")[0].lower() in _HERE:
            raise TargetError(f"Apprise does not know this; expected {self.target}, one only.")
        host = getattr(service, "host", None)
        if isinstance(host, str) and not means.allows_private and is_plainly_private(host):
            raise TargetError(UNREACHABLE)
        return target.strip()

    def shown(self, target: str) -> str:
        service = _service(target)
        name = "…" if service is None else str(service.service_name)
        return f"{name} ({target.partition('://')[0].lower()}://…)"

    def send(self, target: str, message: Message, means: Means) -> Receipt:
        service = _service(target)
        if service is None:
            return Receipt("failed", "Apprise does not know this target any more; enter it anew.")
        if means.allows_private:
            return _notified(service, message)
        with public_only() as watch:
            receipt = _notified(service, message)
        # A name may also stand for a public address, which the library then went to.
        was_kept_back = watch.was_refused and not watch.has_connected
        return Receipt("refused", UNREACHABLE) if was_kept_back else receipt


def _service(target: str) -> NotifyBase | None:
    """The one service of a URL; nothing for what is no URL, or several."""
    if not target or any(letter.isspace() or letter == "," for letter in target):
        return None
    # In turn and in memory: no pool of threads, no cache on disk, no plug-ins from elsewhere.
    keep_to_themselves()
    asset = AppriseAsset(
        app_id="Keepwell", app_desc="Keepwell", async_mode=False, storage_mode="memory", http_redirects=False
    )
    found = Library.instantiate(target, asset=asset, suppress_exceptions=True)
    if not isinstance(found, NotifyBase):
        return None
    # A target cannot ask for them either: where they lead was not chosen by anybody of ours.
    found.redirects = False
    found.socket_connect_timeout = CONNECT_S
    found.socket_read_timeout = ANSWER_S
    return found


def _notified(service: NotifyBase, message: Message) -> Receipt:
    library = Library()
    library.add(service)
    return _told(
        library.notify(body=message.text, title=message.subject, body_format=NotifyFormat.TEXT, log_level=logging.DEBUG)
    )


def _told(result: AppriseResult) -> Receipt:
    if result.status == AppriseResultStatus.SUCCESS:
        return Receipt("sent")
    log = "\n".join(entry.message for entry in result.logs())
    status = _STATUS.search(log)
    if status is not None:
        return told_by_status(int(status.group(1)))
    if _NEVER_CONNECTED.search(log):
        return Receipt("refused", UNREACHABLE)
    return Receipt("unknown", "Apprise could not say whether the message was taken.")
