"""Hooks: ways out that post JSON to an address, such as Slack; all of them by one way and behind one guard.

Targets must be public, by https and at port 443, unless the operator allows private ones.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from urllib3.util import Url

from keepwell.channels.channel import Channel, Means, TargetError
from keepwell.channels.hook_link import HTTPS_PORT, LIMITS, HookLimits, posted, read_address
from keepwell.channels.public_net import UNREACHABLE, is_plainly_private, public_only
from keepwell.facts.message import Message, Receipt


@dataclass(frozen=True, slots=True)
class HookPost:
    """What is posted of a message, and where: the address may be one of several parts of a target."""

    address: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Hook(Channel):
    """Base of the hooks: a kind says what is posted."""

    def __init__(self, limits: HookLimits = LIMITS) -> None:
        self._limits = limits

    def post(self, target: str, message: Message) -> HookPost:
        raise NotImplementedError

    def checked(self, target: str, means: Means) -> str:
        kept = target.strip()
        self.checked_address(kept, means)
        return kept

    def shown(self, target: str) -> str:
        url = read_address(target)
        return f"{url.host}/…" if url else "…"

    def checked_address(self, address: str, means: Means) -> Url:
        """The address, read; raises `TargetError` for one that can be seen to be none, or not to be public."""
        url = read_address(address)
        if url is None or not (url.scheme == "https" or means.allows_private):
            raise TargetError(f"This is not {self.target}; expected https and no name or password in it.")
        if not means.allows_private and (url.port not in (None, HTTPS_PORT) or is_plainly_private(url.host or "")):
            raise TargetError(UNREACHABLE)
        return url

    def send(self, target: str, message: Message, means: Means) -> Receipt:
        post = self.post(target, message)
        try:
            # What was allowed when the target was entered may not be any more.
            url = self.checked_address(post.address, means)
        except TargetError:
            return Receipt("refused", UNREACHABLE)
        headers = {"Content-Type": "application/json; charset=utf-8", **post.headers}
        if means.allows_private:
            return posted(url, headers, post.body, self._limits)
        with public_only():
            return posted(url, headers, post.body, self._limits)


def json_body(value: object) -> bytes:
    """JSON in ASCII, so that nothing on the way has a reason to change a byte of it."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
