"""Payments and subscriptions, asked for at Stripe.

Make a restricted key that may read events, customers and subscriptions, and enter it as `pull:rk_…` beside the signing
secret. Stripe keeps events for 30 days: a pull reads those it has not seen, under the ids that hooks have, so an event
that came by hook counts once. The first pull also takes how every subscription stands now. Names of customers are taken
when they are new.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from keepwell.connectors.connector import Delivery
from keepwell.connectors.hook_event import seconds
from keepwell.connectors.kinds.stripe import Stripe as StripeHook
from keepwell.connectors.payload import Part
from keepwell.connectors.pull import Pull, Pulled, Resource, pulled
from keepwell.facts.inbound import Inbound

_SUBSCRIPTION: Final = tuple(
    f"customer.subscription.{what}" for what in ("created", "updated", "deleted", "paused", "resumed")
)
_TYPES: Final = (
    *_SUBSCRIPTION,
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.overdue",
    "charge.refunded",
    "charge.dispute.created",
    "customer.updated",
    "payment_method.automatically_updated",
)
_PAGES: Final = {
    "type": "cursor",
    "cursor_path": "data[-1].id",
    "cursor_param": "starting_after",
    "has_more_path": "has_more",
}
_RESUME: Final = ("starting_after", "data[-1].id")


class Stripe(Pull):
    kind: ClassVar[Literal["stripe"]] = "stripe"
    title: ClassVar[str] = "Stripe"
    address: ClassVar[str] = "https://api.stripe.com"
    expects: ClassVar[str] = "a restricted key that may read events, customers and subscriptions"
    free_text: ClassVar[frozenset[str]] = StripeHook.free_text
    options: ClassVar[Mapping[str, str]] = StripeHook.options
    resources: ClassVar[tuple[Resource, ...]] = (
        Resource(
            "customers", "/v1/customers", "data", _PAGES, "newest first", {"limit": 100, "created[gte]": "{since}"},
            cursor="created", form="seconds", resume=_RESUME,
        ),
        Resource(
            "subscriptions", "/v1/subscriptions", "data", _PAGES, "newest first",
            {"limit": 100, "status": "all", "created[gte]": "{since}"},
            cursor="created", form="seconds", resume=_RESUME, is_once=True,
        ),
        Resource(
            "events", "/v1/events", "data", _PAGES, "newest first",
            {"limit": 100, "types[]": list(_TYPES), "created[gte]": "{since}"},
            cursor="created", form="seconds", overlap_s=300, resume=_RESUME,
        ),
    )  # fmt: skip

    def events(self, resource: str, record: Part, settings: Mapping[str, object], known_at: int) -> list[Pulled]:
        if resource == "events":
            return [Pulled("", event) for event in _as_hook(record, settings, known_at)]
        if resource == "customers":
            return _named(record, settings, known_at)
        told = Part(
            {
                "id": f"stripe:subscription:{record.id('id')}",
                "type": "customer.subscription.updated",
                "created": known_at // 1_000_000,
                "data": {"object": {key: record.get(key) for key in record}},
            }
        )
        found = _as_hook(told, settings, known_at)
        return [Pulled(f"subscription:{record.id('id')}", event, is_once=True) for event in found[:1]]


def _as_hook(item: Part, settings: Mapping[str, object], known_at: int) -> list[Inbound]:
    return StripeHook().events(item, Delivery("POST", "", {}, b"", known_at), settings)


def _named(record: Part, settings: Mapping[str, object], known_at: int) -> list[Pulled]:
    key = str(settings.get("account_metadata") or "account_id")
    account = Part({"account": record.part("metadata").get(key)}).id("account") or record.id("id")
    props = {"name": record.text("name"), "country": record.text("address.country")}
    slot = f"customer:{record.id('id')}"
    at = seconds(record, "created")
    return [pulled("stripe", slot, "account_updated", at=at, account=account, props=props, known_at=known_at)]
