"""Posts to programs: signed so that libraries of others verify them, one for each notice; and cards for Teams."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keepwell.channels.channel import Means, TargetError
from keepwell.channels.kinds.teams import MOST_BYTES, Teams
from keepwell.channels.kinds.webhook import Webhook
from keepwell.facts.message import Entry, Message
from tests.channels.peers import Hook, hook_receiver
from tests.node import run_node

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
OPEN, CLOSED = Means(allows_private=True), Means()
OLD, NEW, OTHER = ("whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2, 3))
ENTRY = Entry(
    "keepwell.alert",
    NOW - timedelta(minutes=3),
    {"account": {"key": "acme", "name": "Acme – Žofín"}, "title": "Below 20", "link": "https://k.example/alerts/7"},
)
MESSAGE = Message(
    "0f" * 16, "Critical: Acme – Below 20", "The score fell.\n\nSee: https://k.example/a\n", NOW, (ENTRY,)
)


def posted(target: str, message: Message = MESSAGE) -> Hook:
    with hook_receiver() as hook:
        assert Webhook().send(f"{hook.url}/in{target}", message, OPEN).outcome == "sent"
    return hook


def verified(hook: Hook, secret: str, *, body: str | None = None, second: float = 0, **headers: str) -> Any:
    """What the package of npm makes of a post, at a moment of so many seconds later."""
    told = {
        "secret": secret,
        "body": hook.bodies[0].decode() if body is None else body,
        "headers": {name.lower(): value for name, value in hook.headers[0].items()} | headers,
        "second": NOW.timestamp() + second,
    }
    return run_node("verify.mjs", told)


def test_a_program_gets_name_moment_and_data() -> None:
    hook = posted(f" {OLD}")
    assert hook.paths == ["/in"]
    assert json.loads(hook.bodies[0]) == {
        "type": "keepwell.alert", "timestamp": "2026-11-25T07:57:00+00:00", "data": ENTRY.data,
    }  # fmt: skip
    headers = hook.headers[0]
    assert headers["webhook-id"] == f"msg_{MESSAGE.id}"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert headers["Content-Type"].startswith("application/json")


def test_a_message_without_data_is_posted_as_its_text() -> None:
    told = json.loads(posted(f" {OLD}", replace(MESSAGE, entries=())).bodies[0])
    assert told["type"] == "keepwell.message"
    assert (told["data"]["subject"], told["data"]["text"]) == (MESSAGE.subject, MESSAGE.text)


@pytest.mark.clients
def test_the_package_of_npm_verifies_what_was_signed_and_nothing_else() -> None:
    hook = posted(f" {OLD}")
    assert verified(hook, OLD) == {"payload": json.loads(hook.bodies[0])}
    tampered = hook.bodies[0].decode().replace("Below 20", "Below 30")
    assert tampered != hook.bodies[0].decode()
    for refused in (
        verified(hook, OLD, body=tampered),
        verified(hook, OTHER),
        verified(hook, OLD, **{"webhook-id": "msg_other"}),
        verified(hook, OLD, **{"webhook-timestamp": str(int(NOW.timestamp()) + 1)}),
    ):
        assert refused == {"error": "No matching signature found"}
    assert verified(hook, OLD, second=301) == {"error": "Message timestamp too old"}


@pytest.mark.clients
def test_while_a_secret_changes_both_verify() -> None:
    hook = posted(f" {NEW} {OLD}")
    assert "payload" in verified(hook, OLD)
    assert "payload" in verified(hook, NEW)
    assert "error" in verified(hook, OTHER)


def test_a_secret_is_made_where_none_is_given_and_is_one_that_may_be_used() -> None:
    target, made = Webhook().completed("https://crm.example/in")
    assert target == f"https://crm.example/in {made}"
    assert len(base64.b64decode(made.removeprefix("whsec_"))) == 32
    assert Webhook().checked(f"  {target} ", CLOSED) == target
    assert Webhook().completed("https://crm.example/in")[1] != made
    assert Webhook().completed(target) == (target, "")
    assert Webhook().shown(target) == "crm.example/…"


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("https://crm.example/in", "expected one secret, or two while you change it"),
        (f"https://crm.example/in {OLD} {NEW} {OTHER}", "expected one secret"),
        ("https://crm.example/in secret", "not of the form that Standard Webhooks has"),
        ("https://crm.example/in whsec_c2hvcnQ=", "expected whsec_ and 24 to 64 bytes in base64"),
        (f"https://crm.example/in {OLD}é", "not of the form"),
        (f"{OLD} https://crm.example/in", "expected https and no name or password"),
        ("", "expected https"),
    ],
)
def test_what_is_no_address_with_a_secret_is_refused(target: str, sentence: str) -> None:
    with pytest.raises(TargetError, match=sentence) as refused:
        Webhook().checked(target, CLOSED)
    assert OLD not in str(refused.value)


def card(hook: Hook) -> dict[str, Any]:
    told = json.loads(hook.bodies[0])
    (attachment,) = told["attachments"]
    assert (told["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    found: dict[str, Any] = attachment["content"]
    return found


def texts(found: dict[str, Any]) -> list[str]:
    return [run["text"] for block in found["body"] for run in block["inlines"]]


def test_teams_gets_a_card_whose_text_is_shown_as_it_is() -> None:
    named = replace(MESSAGE, subject="Critical: [Acme](https://evil.example) <at>all</at>")
    with hook_receiver() as hook:
        assert Teams().send(f"{hook.url}/workflows/1?sig=hush", named, OPEN).outcome == "sent"
    assert hook.paths == ["/workflows/1?sig=hush"]
    found = card(hook)
    assert (found["type"], found["version"]) == ("AdaptiveCard", "1.4")
    # A text run knows no Markdown, and a name is called only by an entity of its own.
    assert {block["type"] for block in found["body"]} == {"RichTextBlock"}
    assert texts(found) == [named.subject, "The score fell.", "See: https://k.example/a"]
    assert found["msteams"] == {"width": "Full"}
    assert found["actions"] == [{"type": "Action.OpenUrl", "title": "Below 20", "url": "https://k.example/alerts/7"}]


def test_teams_gets_no_more_than_it_takes() -> None:
    long = replace(MESSAGE, text="\n".join(f"{number} " + "ž" * 200 for number in range(100)))
    with hook_receiver() as hook:
        assert Teams().send(f"{hook.url}/workflows/1", long, OPEN).outcome == "sent"
    assert len(hook.bodies[0]) <= MOST_BYTES
    found = texts(card(hook))
    assert found[1].startswith("0 ž")
    assert found[-1] == "There is more, which is on the pages."


@pytest.mark.parametrize(
    "address", ["https://ours.webhook.office.com/webhookb2/x", "https://outlook.office.com/webhook/x"]
)
def test_an_address_that_teams_has_retired_is_refused(address: str) -> None:
    with pytest.raises(TargetError, match="Microsoft has retired"):
        Teams().checked(address, CLOSED)


def test_the_address_of_a_workflow_is_taken_and_shown_without_what_lets_somebody_use_it() -> None:
    address = "https://prod-1.westeurope.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?sig=hush"
    assert Teams().checked(address, CLOSED) == address
    assert Teams().shown(address) == "prod-1.westeurope.logic.azure.com/…"
