"""Conversations, tickets, ratings and companies from Intercom.

In Intercom's Developer Hub open your app, then Webhooks, and enter `https://<your Keepwell>/hooks/intercom`.
The secret is the client secret under Basic information. Tick these topics:

| topic at Intercom | becomes |
|---|---|
| `conversation.user.created`, `ticket.created` | `ticket_opened` with the severity, and the tone of what was written |
| `conversation.user.replied`, `ticket.contact.replied` | `ticket_replied` with its tone |
| `conversation.priority.updated`, to priority | `ticket_escalated` |
| `conversation.admin.closed`, `ticket.state.updated` to resolved | `ticket_solved` |
| `conversation.admin.opened`, `ticket.state.updated` from resolved | `ticket_reopened` |
| `conversation.rating.added`, `ticket.rating.provided` | `ticket_rated`, 1 to 5 |
| `company.created`, `company.updated` | `account_updated` |

Leave `ticket.closed` out: it comes beside the change to resolved. Other topics are answered and dropped. The account is
the company's own id, which Intercom calls `company_id`; most conversations name no company, so the contact decides by
the id that your product gave it (`external_id`), else by address.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from keepwell.connectors.connector import Connector, Delivery
from keepwell.connectors.hook_event import Value, hook_event, seconds
from keepwell.connectors.payload import Part
from keepwell.connectors.sentiment import COMPETITORS, told_at
from keepwell.connectors.signature import check_equal, digest, header
from keepwell.connectors.ticket import hours_between, severity, severity_props
from keepwell.connectors.values import RefusedError
from keepwell.facts.inbound import Inbound

_ACCOUNT: Final = ("company_id", "company.company_id", "companies.companies.0.company_id")
_CONTACT: Final = (
    "contacts.contacts.0.external_id",
    "user.user_id",
    "contact.external_id",
    "source.author.email",
    "user.email",
    "contacts.contacts.0.id",
    "user.id",
)
_TEXT: Final = ("source.body", "conversation_message.body", "ticket_attributes._default_description_")
_STARS: Final = ("conversation_rating", "rating", "ticket_rating", "ticket.rating")
Told = tuple[str, dict[str, Value]] | None


class Intercom(Connector):
    kind: ClassVar[Literal["intercom"]] = "intercom"
    title: ClassVar[str] = "Intercom"
    free_text: ClassVar[frozenset[str]] = frozenset(
        {"body", "remark", "subject", "title", "_default_description_", "_default_title_"}
    )
    options: ClassVar[Mapping[str, str]] = {
        "severity": "Where a ticket says how serious it is; ticket_attributes.Priority without it.",
        "keep_text": "Keep what contacts write; without it only its tone and length.",
        "competitors": COMPETITORS,
    }

    def check(self, delivery: Delivery, secret: str, settings: Mapping[str, object]) -> None:
        # SHA-1 is Intercom's choice; as a keyed digest it still stands.
        expected = digest(secret, delivery.body, "sha1").hex()
        check_equal(header(delivery, "x-hub-signature"), f"sha1={expected}")

    def events(self, item: Part, delivery: Delivery, settings: Mapping[str, object]) -> list[Inbound]:
        topic, whole = item.words("topic"), item.part("data.item")
        # A reply on a ticket comes as the ticket beside its newest part.
        subject = whole.part("ticket") if whole.words("type") == "ticket_ticket_part" else whole
        at = seconds(item, "created_at")
        told = _told(topic, whole, subject, at, settings)
        if told is None:
            return []
        name, props = told
        is_account = topic.startswith("company.")
        event = hook_event(
            name,
            message_id=item.id("id"),
            at=at,
            account=_first(subject, _ACCOUNT),
            contact=None if is_account else _first(subject, _CONTACT),
            props=props if is_account else {"ticket": subject.id("id"), **props},
            known_at=delivery.known_at,
        )
        return [event]


def _told(topic: str, whole: Part, subject: Part, at: int | None, settings: Mapping[str, object]) -> Told:
    match topic:
        case "conversation.user.created" | "ticket.created":
            text = next((path for path in _TEXT if subject.value(path)), _TEXT[0])
            return "ticket_opened", {**severity_props(_severity(subject, settings)), **told_at(subject, text, settings)}
        case "conversation.user.replied" | "ticket.contact.replied":
            return "ticket_replied", dict(told_at(_newest(whole), "body", settings))
        case "conversation.priority.updated":
            return ("ticket_escalated", {"severity": "high"}) if subject.words("priority") == "priority" else None
        case "conversation.admin.closed":
            return "ticket_solved", {"hours_to_solve": hours_between(seconds(subject, "created_at"), at)}
        case "conversation.admin.opened":
            return "ticket_reopened", {"severity": severity(_severity(subject, settings))}
        case "ticket.state.updated":
            return _state(subject, at, settings)
        case "conversation.rating.added" | "ticket.rating.provided":
            return _rated(subject, settings)
        case "company.created" | "company.updated":
            return "account_updated", {
                "name": whole.text("name"),
                "industry": whole.text("industry"),
                "employees": whole.number("size"),
            }
        case _:
            return None


def _first(subject: Part, paths: tuple[str, ...]) -> str | None:
    return next((found for path in paths if (found := subject.id(path))), None)


def _severity(subject: Part, settings: Mapping[str, object]) -> str:
    chosen = settings.get("severity")
    path = chosen if isinstance(chosen, str) and chosen else "ticket_attributes.Priority"
    return "high" if subject.words("priority") == "priority" else subject.words(path) or "normal"


def _newest(whole: Part) -> Part:
    """What the contact wrote last; parts of a conversation come in their order."""
    parts = [whole.part("ticket_part"), *reversed(whole.parts("conversation_parts.conversation_parts"))]
    theirs = (part for part in parts if part.words("author.type") in ("user", "lead", "contact"))
    return next((part for part in theirs if part.value("body")), Part({}))


def _state(ticket: Part, at: int | None, settings: Mapping[str, object]) -> Told:
    """The newest part of the ticket tells the state before, where it was a change of state at all."""
    now = ticket.words("ticket_state.category") or ticket.words("ticket_state")
    before = next(
        (
            previous
            for part in reversed(ticket.parts("ticket_parts.ticket_parts"))
            if (previous := part.words("previous_ticket_state"))
        ),
        "",
    )
    if now == "resolved" and before != "resolved":
        return "ticket_solved", {"hours_to_solve": hours_between(seconds(ticket, "created_at"), at)}
    if now and now != "resolved" and before == "resolved":
        return "ticket_reopened", {"severity": severity(_severity(ticket, settings))}
    return None


def _rated(subject: Part, settings: Mapping[str, object]) -> Told:
    found = next((part for path in _STARS if (part := subject.part(path))), Part({}))
    stars = found.number("rating")
    if stars is None:
        return None
    if stars not in range(1, 6):
        raise RefusedError("score_out_of_range", f"The rating is {stars}; expected 1 to 5.")
    return "ticket_rated", {"rating": stars, **told_at(found, "remark", settings)}
