"""Slack, by an incoming webhook; Mattermost and Rocket.Chat take the same.

In Slack add the app *Incoming Webhooks* to a channel; the address that it shows, `https://hooks.slack.com/services/…`,
is the target. Whoever knows it can write to the channel, so it is kept like a password.
"""

from typing import ClassVar, Literal

from keepwell.channels.hook import Hook, HookPost, json_body
from keepwell.facts.message import Message


class Slack(Hook):
    kind: ClassVar[Literal["slack"]] = "slack"
    title: ClassVar[str] = "Slack"
    target: ClassVar[str] = "the address of an incoming webhook, https://hooks.slack.com/services/…"

    def post(self, target: str, message: Message) -> HookPost:
        return HookPost(target, json_body({"text": f"*{escaped(message.subject)}*\n{escaped(message.text)}"}))


def escaped(text: str) -> str:
    """Text that Slack shows as it is: no name in it can call everybody or become a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
