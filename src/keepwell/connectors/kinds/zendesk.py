"""Tickets, replies and ratings from Zendesk.

In Zendesk's Admin Centre open Apps and integrations, then Webhooks, and create one with the address
`https://<your Keepwell>/hooks/zendesk`, method POST, format JSON. Paste its signing secret into the settings of the
source. Subscribe it to these events, where your plan offers ticket events:

| event at Zendesk | becomes |
|---|---|
| Ticket created | `ticket_opened` with the severity, and the tone of its description |
| Comment added, by the requester and public | `ticket_replied` with its tone |
| Ticket priority changed, to a higher one | `ticket_escalated` |
| Ticket status changed, to solved or closed | `ticket_solved` with the hours since it was created |
| Ticket status changed, back from there | `ticket_reopened` |

Where it does not, and for ratings, connect the webhook to a trigger with this body; `what` is one of opened, replied,
escalated, solved, reopened, rated:

    {"what": "rated", "ticket": "{{ticket.id}}", "at": "{{ticket.updated_at_with_timestamp}}",
     "organization": "{{ticket.organization.external_id}}", "requester": "{{ticket.requester.email}}",
     "priority": "{{ticket.priority}}", "rating": "{{satisfaction.current_rating}}"}

A rating is 1 to 5; good is 5 and bad is 1. The account is `organization`, for events the id of the organisation at
Zendesk, or what the setting `account` points to, such as `detail.external_id`. Without one, the requester decides.
"""

import base64
from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from keepwell.connectors.connector import Connector, Delivery, UnsignedError
from keepwell.connectors.hook_event import Value, hook_event, instant, iso_time
from keepwell.connectors.payload import Part
from keepwell.connectors.sentiment import COMPETITORS, told_at
from keepwell.connectors.signature import check_equal, check_recent, digest, header
from keepwell.connectors.ticket import hours_between, is_worse, severity_props
from keepwell.connectors.values import RefusedError
from keepwell.facts.inbound import Inbound

_EVENT: Final = "zen:event-type:ticket."
_DONE: Final = ("solved", "closed")
_STARS: Final = {"good": 5, "bad": 1}
_WHAT: Final = {
    "opened": "ticket_opened",
    "replied": "ticket_replied",
    "escalated": "ticket_escalated",
    "solved": "ticket_solved",
    "reopened": "ticket_reopened",
    "rated": "ticket_rated",
}
Told = tuple[str, dict[str, Value]] | None


class Zendesk(Connector):
    kind: ClassVar[Literal["zendesk"]] = "zendesk"
    title: ClassVar[str] = "Zendesk"
    free_text: ClassVar[frozenset[str]] = frozenset({"body", "comment", "description", "subject"})
    options: ClassVar[Mapping[str, str]] = {
        "account": "Where the account is, such as detail.external_id; the organisation without it.",
        "keep_text": "Keep what contacts write; without it only its tone and length.",
        "competitors": COMPETITORS,
    }

    def check(self, delivery: Delivery, secret: str, settings: Mapping[str, object]) -> None:
        shown = header(delivery, "x-zendesk-webhook-signature")
        stamp = header(delivery, "x-zendesk-webhook-signature-timestamp")
        signed_at = iso_time(stamp)
        if signed_at is None:
            raise UnsignedError("The time of signing is no time of ISO 8601.")
        check_recent(signed_at, delivery)
        signed = stamp.encode() + delivery.body
        check_equal(shown, base64.b64encode(digest(secret, signed)).decode())

    def events(self, item: Part, delivery: Delivery, settings: Mapping[str, object]) -> list[Inbound]:
        is_event = item.words("type").startswith("zen:event-type:")
        told = _of_event(item, settings) if is_event else _of_trigger(item, settings)
        if told is None:
            return []
        name, props = told
        ticket = item.id("detail.id" if is_event else "ticket")
        event = hook_event(
            name,
            message_id=self.message_id(item, delivery),
            at=instant(item, "time" if is_event else "at"),
            account=_account(item, is_event=is_event, settings=settings),
            contact=_known(item.id("detail.requester_id" if is_event else "requester")),
            props={"ticket": ticket, **props},
            known_at=delivery.known_at,
        )
        return [event]

    def message_id(self, item: Part, delivery: Delivery) -> str:
        """The id of the event; a trigger has none, so the ticket, what happened and when stand for it."""
        parts = [item.words("what"), str(item.value("ticket") or ""), item.words("at")]
        return item.words("id") or ("/".join(parts) if all(parts) else "")


def _account(item: Part, *, is_event: bool, settings: Mapping[str, object]) -> str | None:
    chosen = settings.get("account")
    if isinstance(chosen, str) and chosen:
        return _known(item.id(chosen))
    return _known(item.id("detail.organization_id" if is_event else "organization"))


def _known(text: str | None) -> str | None:
    """Zendesk writes 0 where there is none."""
    return None if text == "0" else text


def _of_event(item: Part, settings: Mapping[str, object]) -> Told:
    what = item.words("type").removeprefix(_EVENT)
    now, before = item.words("event.current").lower(), item.words("event.previous").lower()
    severity = item.words("detail.priority")
    if what == "created":
        told = told_at(item, "detail.description", settings)
        return "ticket_opened", {**severity_props(severity), **told}
    if what == "comment_added":
        is_theirs = item.truth("event.comment.is_public") and item.truth("event.comment.author.is_staff") is not True
        return ("ticket_replied", dict(told_at(item, "event.comment.body", settings))) if is_theirs else None
    if what == "priority_changed" and is_worse(now, before):
        return "ticket_escalated", {"severity": now}
    if what != "status_changed" or (now in _DONE) == (before in _DONE):
        return None
    if now in _DONE:
        hours = hours_between(instant(item, "detail.created_at"), instant(item, "time"))
        return "ticket_solved", {"hours_to_solve": hours}
    return "ticket_reopened", {"severity": severity_props(severity).get("severity")}


def _of_trigger(item: Part, settings: Mapping[str, object]) -> Told:
    what = item.words("what").lower()
    if what not in _WHAT:
        return None
    told: dict[str, Value] = dict(told_at(item, "comment", settings))
    severity = severity_props(item.words("priority"))
    if what == "opened":
        told.update(severity)
    elif what in ("escalated", "reopened"):
        told = {"severity": severity.get("severity")}
    elif what == "rated":
        stars = _stars(item)
        return None if stars is None else (_WHAT[what], {**told, "rating": stars})
    elif what == "solved":
        told = {"hours_to_solve": hours_between(instant(item, "created_at"), instant(item, "at"))}
    return _WHAT[what], told


def _stars(item: Part) -> int | None:
    """1 to 5; None while a rating is only offered."""
    word = item.words("rating").strip().lower()
    found = item.number("rating")
    number = int(word) if word.isascii() and word.isdigit() and len(word) < 6 else found
    if number is None:
        return next((stars for start, stars in _STARS.items() if word.startswith(start)), None)
    if number not in range(1, 6):
        raise RefusedError("score_out_of_range", f"The rating is {number}; expected 1 to 5.")
    return int(number)
