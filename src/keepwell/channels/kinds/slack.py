"""Slack, by an incoming webhook; Mattermost and Rocket.Chat take the same.

In Slack add the app *Incoming Webhooks* to a channel; the address that it shows, `https://hooks.slack.com/services/…`,
is the target. Whoever knows it can write to the channel, so it is kept like a password.
"""

import json
from typing import ClassVar, Final, Literal

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
    SSLError,
)
from urllib3.util import Timeout, Url, parse_url

from keepwell.channels.channel import ANSWER_S, CONNECT_S, Channel, Means, TargetError
from keepwell.channels.hook_status import told_by_status
from keepwell.channels.library_log import keep_to_themselves
from keepwell.channels.public_net import UNREACHABLE, is_plainly_private, public_only
from keepwell.facts.message import Message, Receipt

HTTPS_PORT: Final = 443


class Slack(Channel):
    kind: ClassVar[Literal["slack"]] = "slack"
    title: ClassVar[str] = "Slack"
    target: ClassVar[str] = "the address of an incoming webhook, https://hooks.slack.com/services/…"

    def checked(self, target: str, means: Means) -> str:
        url = _parsed(target.strip())
        if url is None or not (url.scheme == "https" or means.allows_private):
            raise TargetError(f"This is not {self.target}; expected https and no name or password in it.")
        if not means.allows_private and (url.port not in (None, HTTPS_PORT) or is_plainly_private(url.host or "")):
            raise TargetError(UNREACHABLE)
        return target.strip()

    def shown(self, target: str) -> str:
        url = _parsed(target)
        return f"{url.host}/…" if url else "…"

    def send(self, target: str, message: Message, means: Means) -> Receipt:
        if means.allows_private:
            return _posted(target, message)
        with public_only() as watch:
            receipt = _posted(target, message)
        return Receipt("failed", UNREACHABLE) if watch.was_refused else receipt


def escaped(text: str) -> str:
    """Text that Slack shows as it is: no name in it can call everybody or become a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _parsed(target: str) -> Url | None:
    try:
        url = parse_url(target)
    except LocationParseError:
        return None
    return url if url.scheme in ("http", "https") and url.host and not url.auth and not url.fragment else None


def _posted(target: str, message: Message) -> Receipt:
    keep_to_themselves()
    body = json.dumps({"text": f"*{escaped(message.subject)}*\n{escaped(message.text)}"})
    try:
        with urllib3.PoolManager(retries=False, timeout=Timeout(connect=CONNECT_S, read=ANSWER_S)) as pool:
            answer = pool.request(
                "POST",
                target,
                body=body,
                headers={"Content-Type": "application/json; charset=utf-8"},
                redirect=False,
                preload_content=False,
            )
            answer.close()
    except (NewConnectionError, ConnectTimeoutError, SSLError):
        return Receipt("refused", UNREACHABLE)
    except HTTPError as error:
        return Receipt("unknown", f"The link broke before an answer came ({type(error).__name__}).")
    return told_by_status(answer.status)
