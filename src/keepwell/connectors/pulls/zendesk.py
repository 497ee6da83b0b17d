"""Organisations and tickets, asked for at Zendesk.

Set `url` to `https://<yours>.zendesk.com` and `email` to whose API token it is, and enter the token as `pull:…`.
Without `email` the token is one of OAuth with the scope `read`.

| at Zendesk | becomes |
|---|---|
| an organisation, new or changed | `account_updated` |
| a ticket | `ticket_opened`, with the severity it had when it was first read |
| a ticket that was solved | `ticket_solved`, once for each time |
| a ticket that was rated | `ticket_rated` |

The account is the id of the organisation at Zendesk. What came by hook has other ids, so use one of the two ways for
tickets and not both.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from keepwell.connectors.hook_event import Value, instant
from keepwell.connectors.kinds.zendesk import Zendesk as ZendeskHook
from keepwell.connectors.payload import Part
from keepwell.connectors.pull import Pull, Pulled, Resource, pulled
from keepwell.connectors.sentiment import told_at
from keepwell.connectors.ticket import hours_between, severity_props

_STARS: Final = {"good": 5, "bad": 1}


class Zendesk(Pull):
    kind: ClassVar[Literal["zendesk"]] = "zendesk"
    title: ClassVar[str] = "Zendesk"
    expects: ClassVar[str] = "an API token of somebody who may export tickets, whose address is the setting email"
    free_text: ClassVar[frozenset[str]] = ZendeskHook.free_text
    options: ClassVar[Mapping[str, str]] = {**ZendeskHook.options, "email": "Whose API token is used for pulling."}
    resources: ClassVar[tuple[Resource, ...]] = (
        Resource(
            "organizations", "/api/v2/incremental/organizations.json", "organizations",
            {"type": "json_link", "next_url_path": "next_page"}, "oldest first", {"start_time": "{since}"},
            cursor="updated_at", form="seconds", overlap_s=300, end="end_of_stream",
        ),
        Resource(
            "tickets", "/api/v2/incremental/tickets/cursor.json", "tickets",
            {"type": "single_page"}, "oldest first",
            {"start_time": "{since}", "include": "metric_sets"},
            cursor="updated_at", form="seconds", resume=("cursor", "after_cursor"), keeps_mark=True,
            end="end_of_stream",
        ),
    )  # fmt: skip

    def sign_in(self, settings: Mapping[str, object], token: str) -> Mapping[str, object]:
        email = settings.get("email")
        if not email:
            return {"type": "bearer", "token": token}
        return {"type": "http_basic", "username": f"{email}/token", "password": token}

    def events(self, resource: str, record: Part, settings: Mapping[str, object], known_at: int) -> list[Pulled]:
        if resource == "tickets":
            return _of_ticket(record, settings, known_at)
        at, slot = instant(record, "updated_at"), f"organization:{record.id('id')}"
        props = {"name": record.text("name"), "zendesk_external_id": record.id("external_id")}
        account = record.id("id")
        return [pulled("zendesk", slot, "account_updated", at=at, account=account, props=props, known_at=known_at)]


def _of_ticket(ticket: Part, settings: Mapping[str, object], known_at: int) -> list[Pulled]:
    number, account, contact = ticket.id("id"), ticket.id("organization_id"), ticket.id("requester_id")
    created, solved = instant(ticket, "created_at"), instant(ticket, "metric_set.solved_at")
    if ticket.words("status") == "deleted":
        return []

    def event(what: str, name: str, at: int | None, props: Mapping[str, Value], *, is_once: bool = False) -> Pulled:
        told = {"ticket": number, **props}
        slot = f"ticket:{number}:{what}"
        return pulled(
            "zendesk", slot, name, at=at, account=account, contact=contact, props=told, known_at=known_at,
            is_once=is_once,
        )  # fmt: skip

    tone = told_at(ticket, "description", settings) if "description" in ticket else {}
    opened: dict[str, Value] = {**severity_props(ticket.words("priority")), **tone}
    found = [event("opened", "ticket_opened", created, opened, is_once=True)]
    if solved is not None:
        found.append(event("solved", "ticket_solved", solved, {"hours_to_solve": hours_between(created, solved)}))
    stars = _STARS.get(ticket.words("satisfaction_rating.score"))
    if stars is not None:
        found.append(event("rated", "ticket_rated", instant(ticket, "updated_at"), {"rating": stars}))
    return found
