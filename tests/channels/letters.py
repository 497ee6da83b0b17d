"""What the tests of mail to contacts share: a message, and the mail server that it is handed to."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Literal

from keepwell.channels.channel import MailServer
from keepwell.facts.touch_message import TouchMessage

NOW: Final = datetime(2026, 11, 25, 8, tzinfo=UTC)
SENDER: Final = "success@ours.example"
# 200 characters.
UNSUBSCRIBE: Final = ("https://keepwell.example/unsubscribe/" + "a1_-" * 50)[:200]
MESSAGE: Final = TouchMessage(
    message_id="t0uch7.touch.42@ours.example",
    address="ann@harbour-lights.example",
    name="Ann Pier",
    sender="Ben Quay",
    reply_to="",
    subject="How is it going?",
    text="Hello Ann,\n.\n.. how is it going?\n",
    html="<html><body><p>Hello Ann,</p><p>how is it going?</p></body></html>",
    unsubscribe=UNSUBSCRIBE,
    earlier=(),
    at=NOW,
)
# More than a link holds while nobody reads.
LARGE: Final = replace(MESSAGE, html="", text=("x" * 78 + "\n") * 120_000)


def server(port: int, *, login: str = "", security: Literal["none", "tls", "starttls"] = "none") -> MailServer:
    return MailServer("127.0.0.1", port, security, SENDER, login, "open sesame" if login else "")
