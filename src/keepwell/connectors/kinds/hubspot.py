"""Changes of companies and deals from HubSpot.

In your HubSpot app open Webhooks, enter the address `https://<your Keepwell>/hooks/hubspot` as target URL, and
subscribe to the changes below. The secret is the app's client secret. HubSpot signs the address too, so Keepwell must
know its own public address.

| subscription at HubSpot | becomes |
|---|---|
| `company.propertyChange` of name, industry, hs_country_code, numberofemployees, timezone | `account_updated` |
| `deal.associationChange` with a company | `expansion_discussed` |
| `deal.propertyChange` of amount, dealstage | `expansion_discussed` with the amount or the stage |

The account is the id of the company at HubSpot. The setting `properties` is a table from further properties of
companies to traits of ours, such as `{"customer_tier": "plan"}`. A change of a deal does not name its company: such
changes are refused with `no_subject` and kept, so subscribe to the association instead, and to roll-ups of the company
such as `recent_deal_amount`. Other changes are answered and dropped.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import ClassVar, Final, Literal

from keepwell.connectors.connector import Connector, Delivery, UnsignedError
from keepwell.connectors.hook_event import Value, hook_event, milliseconds
from keepwell.connectors.payload import Part, decoded
from keepwell.connectors.signature import check_equal, check_recent, digest, header
from keepwell.connectors.values import RefusedError
from keepwell.facts.inbound import BATCH_EVENTS, Inbound, UnreadableError

_TRAITS: Final[Mapping[str, str]] = {
    "name": "name",
    "industry": "industry",
    "hs_country_code": "country",
    "numberofemployees": "employees",
    "timezone": "time_zone",
}
_NUMBERS: Final = ("employees", "amount", "mrr", "seats")
_OBJECTS: Final = {"0-2": "company", "0-3": "deal"}
_PAIRS: Final = ("DEAL_TO_COMPANY", "COMPANY_TO_DEAL")
Told = tuple[str, str | None, dict[str, Value]] | None


class HubSpot(Connector):
    kind: ClassVar[Literal["hubspot"]] = "hubspot"
    title: ClassVar[str] = "HubSpot"
    options: ClassVar[Mapping[str, str]] = {
        "properties": "A table from properties of companies at HubSpot to traits of ours.",
        "currency": "The currency of deals, such as EUR.",
    }

    def check(self, delivery: Delivery, secret: str, settings: Mapping[str, object]) -> None:
        stamp = header(delivery, "x-hubspot-request-timestamp")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 15):
            raise UnsignedError("The time of signing is no whole number of milliseconds.")
        check_recent(int(stamp) * 1_000, delivery)
        signed = f"{delivery.method}{delivery.url}".encode(errors="surrogatepass") + delivery.body + stamp.encode()
        shown = header(delivery, "x-hubspot-signature-v3")
        check_equal(shown, base64.b64encode(digest(secret, signed)).decode())

    def items(self, delivery: Delivery) -> Iterable[tuple[Part, bytes]]:
        """Changes stand alone: one that is refused is kept as a list of one."""
        whole = decoded(delivery.body)
        changes = whole if isinstance(whole, list) else [whole]
        if len(changes) > BATCH_EVENTS:
            raise UnreadableError(
                "too_many_events", f"The delivery has {len(changes)} changes; at most {BATCH_EVENTS}.", 413
            )
        return [(Part.of(change), json.dumps([change], ensure_ascii=False).encode()) for change in changes]

    def events(self, item: Part, delivery: Delivery, settings: Mapping[str, object]) -> list[Inbound]:
        told = _told(item, settings)
        if told is None:
            return []
        name, account, props = told
        event = hook_event(
            name,
            message_id=self.message_id(item, delivery),
            at=milliseconds(item, "occurredAt"),
            account=account,
            contact=None,
            props=props,
            known_at=delivery.known_at,
        )
        return [event]

    def message_id(self, item: Part, delivery: Delivery) -> str:
        """HubSpot says that its `eventId` alone may come twice for different changes."""
        names = ("eventId", "subscriptionId", "objectId", "fromObjectId", "toObjectId", "propertyName", "occurredAt")
        parts = [str(value)[:64] for name in names if isinstance(value := item.get(name), str | int)]
        return "-".join(parts) if "eventId" in item else ""


def _told(item: Part, settings: Mapping[str, object]) -> Told:
    object_, _, what = item.words("subscriptionType").partition(".")
    object_ = _OBJECTS.get(item.words("objectTypeId"), object_) if object_ == "object" else object_
    if object_ == "deal" and what == "associationChange":
        return _association(item)
    if what != "propertyChange":
        return None
    property_ = item.words("propertyName")
    if object_ == "company":
        chosen = Part.of(settings.get("properties"))
        trait = chosen.get(property_) or _TRAITS.get(property_)
        if not isinstance(trait, str):
            return None
        return "account_updated", item.id("objectId"), {trait: _value(trait, item)}
    if object_ == "deal" and property_ in ("amount", "dealstage"):
        name = "amount" if property_ == "amount" else "stage"
        return "expansion_discussed", None, {name: _value(name, item), "currency": _currency(settings)}
    return None


def _association(item: Part) -> Told:
    pair = item.words("associationType")
    if pair not in _PAIRS or item.truth("associationRemoved"):
        return None
    ours, theirs = ("to", "from") if pair == "DEAL_TO_COMPANY" else ("from", "to")
    return "expansion_discussed", item.id(f"{ours}ObjectId"), {"opportunity": item.id(f"{theirs}ObjectId")}


def _currency(settings: Mapping[str, object]) -> str | None:
    currency = settings.get("currency")
    return currency if isinstance(currency, str) else None


def _value(name: str, item: Part) -> Value:
    """HubSpot spells numbers as text."""
    if name not in _NUMBERS:
        return item.text("propertyValue")
    number = item.decimal("propertyValue")
    if number is not None and number < 0:
        raise RefusedError("negative_amount", f"`{name}` is {number}; it is never below 0.")
    return number
