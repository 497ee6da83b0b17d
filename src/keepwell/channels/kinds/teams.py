"""Microsoft Teams, by a workflow that posts what it is sent to a chat or channel.

In Teams choose *Workflows* of the channel and then *Send webhook alerts to a channel*; the address that it shows is the
target. Whoever knows it can write to the channel, so it is kept like a password. Addresses of the connectors that
Microsoft has retired (`…webhook.office.com`) are refused.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Literal

from urllib3.util import Url

from keepwell.channels.channel import Means, TargetError
from keepwell.channels.hook import Hook, HookPost, json_body
from keepwell.facts.message import Message

CARD: Final = "application/vnd.microsoft.card.adaptive"
VERSION: Final = "1.4"
RETIRED: Final = (".webhook.office.com", "outlook.office.com")
# Teams takes 28 KB of a message.
MOST_BYTES: Final = 27 * 1024
MOST_LINKS: Final = 5
_MORE: Final = "There is more, which is on the pages."


class Teams(Hook):
    kind: ClassVar[Literal["teams"]] = "teams"
    title: ClassVar[str] = "Microsoft Teams"
    target: ClassVar[str] = "the address of a workflow, https://…/workflows/…?…&sig=…"

    def checked_address(self, address: str, means: Means) -> Url:
        url = super().checked_address(address, means)
        if (url.host or "").rstrip(".").endswith(RETIRED):
            raise TargetError(
                "Microsoft has retired the connectors of this address; make a workflow in Teams that posts what it is "
                "sent, and use its address."
            )
        return url

    def post(self, target: str, message: Message) -> HookPost:
        lines = message.text.splitlines()
        body = json_body(_posting(message, lines))
        while len(body) > MOST_BYTES and len(lines) > 1:
            lines = [*lines[: len(lines) // 2], _MORE]
            body = json_body(_posting(message, lines))
            lines.pop()
        return HookPost(target, body)


def _posting(message: Message, lines: Sequence[str]) -> dict[str, object]:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": VERSION,
        "body": [_line(message.subject, size="Medium", weight="Bolder"), *(_line(line) for line in lines if line)],
        "actions": _links(message),
        "msteams": {"width": "Full"},
    }
    return {"type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": card}]}


def _line(text: str, **style: str) -> dict[str, object]:
    """A text that Teams shows as it is: a text run knows no Markdown, so that no name in it becomes a link."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


def _links(message: Message) -> list[Mapping[str, object]]:
    """The pages of the first notices, which lead there by a button each."""
    found: list[Mapping[str, object]] = []
    for entry in message.entries[:MOST_LINKS]:
        link, title = entry.data.get("link"), str(entry.data.get("title", ""))
        if isinstance(link, str) and link.startswith(("https://", "http://")):
            found.append({"type": "Action.OpenUrl", "title": title[:60] or "Open", "url": link})
    return found
