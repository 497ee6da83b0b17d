"""A program of your own, by a webhook signed after [Standard Webhooks](https://www.standardwebhooks.com).

The target is an address and, behind a space, the secret that each post is signed with: `https://host/path whsec_…`.
Without a secret, `keepwell notify add` makes one and shows it once. While you change the secret, name the new one and
the old one: each post is signed with both. Every notice is a post of its own, as soon as it is due.

A post is `{"type": …, "timestamp": …, "data": {…}}`. Check `webhook-signature` with a library of Standard Webhooks, and
take each `webhook-id` once: a post that was tried again has the same.
"""

import base64
import binascii
import secrets
from typing import ClassVar, Final, Literal

from standardwebhooks import Webhook as Signer

from keepwell.channels.channel import Means, TargetError
from keepwell.channels.hook import Hook, HookPost, json_body
from keepwell.facts.message import Entry, Message

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
# What Standard Webhooks allows a secret to have.
_FEWEST_BYTES, _MOST_BYTES = 24, 64
MOST_SECRETS: Final = 2
PLAIN: Final = "keepwell.message"


class Webhook(Hook):
    kind: ClassVar[Literal["webhook"]] = "webhook"
    title: ClassVar[str] = "Webhook"
    target: ClassVar[str] = "an address and its secret with a space between them, https://host/path whsec_…"
    is_for_programs: ClassVar[bool] = True

    def completed(self, target: str) -> tuple[str, str]:
        if len(target.split()) != 1:
            return target, ""
        secret = PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        return f"{target.strip()} {secret}", secret

    def checked(self, target: str, means: Means) -> str:
        address, *found = target.split() or [""]
        self.checked_address(address, means)
        if not 1 <= len(found) <= MOST_SECRETS:
            raise TargetError(f"This is not {self.target}; expected one secret, or two while you change it.")
        if not all(map(_is_secret, found)):
            raise TargetError(
                f"A secret is not of the form that Standard Webhooks has; expected {PREFIX} and "
                f"{_FEWEST_BYTES} to {_MOST_BYTES} bytes in base64."
            )
        return " ".join((address, *found))

    def shown(self, target: str) -> str:
        return super().shown(target.partition(" ")[0])

    def post(self, target: str, message: Message) -> HookPost:
        address, *found = target.split()
        entry = _entry(message)
        body = json_body({"type": entry.name, "timestamp": entry.at.isoformat(), "data": dict(entry.data)})
        name = f"msg_{message.id}"
        signatures = [Signer(secret).sign(name, message.at, body.decode()) for secret in found]
        headers = {
            "webhook-id": name,
            "webhook-timestamp": str(int(message.at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
        return HookPost(address, body, headers)


def _entry(message: Message) -> Entry:
    if len(message.entries) == 1:
        return message.entries[0]
    data = {
        "subject": message.subject,
        "text": message.text,
        "entries": [{"type": one.name, "timestamp": one.at.isoformat(), "data": one.data} for one in message.entries],
    }
    return Entry(PLAIN, message.at, data)


def _is_secret(text: str) -> bool:
    try:
        found = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(PREFIX) and _FEWEST_BYTES <= len(found) <= _MOST_BYTES
