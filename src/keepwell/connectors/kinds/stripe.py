"""Payments and subscriptions from Stripe.

In Stripe, open Developers, then Webhooks, and add an endpoint with the address `https://<your Keepwell>/hooks/stripe`
(`/hooks/stripe/<source>` where you have several). Tick the events below, and paste the signing secret, `whsec_…`, into
the settings of the source.

| event at Stripe | becomes |
|---|---|
| `customer.subscription.created`, `.updated`, `.deleted`, `.paused`, `.resumed` | `subscription_changed` |
| the same, when a trial begins or ends | `trial_started`, `trial_ended` beside it |
| `invoice.paid` | `payment_succeeded` |
| `invoice.payment_failed` | `payment_failed` |
| `invoice.overdue` | `invoice_overdue` |
| `charge.refunded` | `payment_refunded`, with what was given back this time |
| `charge.dispute.created` | `payment_disputed` |
| `customer.updated`, `payment_method.automatically_updated` | `payment_method_changed`, if it did |

Leave `invoice.payment_succeeded` out: Stripe sends it beside `invoice.paid` for the same payment. Other events are
answered and dropped. Payloads of older and newer API versions are understood.

The account is the metadata `account_id` of the object or of its subscription when it is there, else the id of the
customer at Stripe (`cus_…`). `subscription_changed` tells plan, seats, MRR, status and what changed. MRR is price ×
quantity of the items paid in advance, less discounts that go on, brought to a month (a year is 12 months and 365 days);
it is 0 while the subscription is on trial, paused or cancelled, and left out where prices come in steps. Metered use is
not part of it. A notice of cancellation shows as `ending: true`, with the end in `renewal_at` and the reason given.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import ClassVar, Final, Literal

import stripe

from keepwell.connectors.connector import Connector, Delivery, UnsignedError
from keepwell.connectors.hook_event import SECOND, Value, hook_event, iso_text, seconds
from keepwell.connectors.payload import Part
from keepwell.connectors.recurring import amount, lines, monthly_price
from keepwell.connectors.sentiment import COMPETITORS, told_at
from keepwell.connectors.signature import FIRST_SIGNATURES, header, signed_second
from keepwell.facts.inbound import Inbound

_DAY: Final = 86_400 * SECOND
_STATUS: Final = {
    "trialing": "trial",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "past_due",
    "paused": "paused",
    "canceled": "cancelled",
}
Told = list[tuple[str, Mapping[str, Value]]]


class Stripe(Connector):
    kind: ClassVar[Literal["stripe"]] = "stripe"
    title: ClassVar[str] = "Stripe"
    free_text: ClassVar[frozenset[str]] = frozenset({"comment"})
    options: ClassVar[Mapping[str, str]] = {
        "account_metadata": "The key of Stripe's metadata that holds our account; account_id without it.",
        "keep_text": "Keep what customers write when they cancel; without it only its tone and length.",
        "competitors": COMPETITORS,
    }

    def check(self, delivery: Delivery, secret: str, settings: Mapping[str, object]) -> None:
        pairs = [part.strip().partition("=") for part in header(delivery, "stripe-signature").split(",")]
        times = [value for key, _, value in pairs if key == "t"]
        second = signed_second(times[0] if times else "", delivery)
        shown = [value for key, _, value in pairs if key == "v1"][:FIRST_SIGNATURES]
        signatures = ",".join(f"v1={value}" for value in shown if value.isascii())
        try:
            # Without a tolerance: the library would take it from the clock of this machine.
            stripe.WebhookSignature.verify_header(delivery.body, f"t={second},{signatures}", secret)
        except stripe.SignatureVerificationError:
            raise UnsignedError("The signature does not match the body.") from None
        except UnicodeError:
            raise UnsignedError("The body or the secret is not UTF-8, so it was not signed by Stripe.") from None

    def events(self, item: Part, delivery: Delivery, settings: Mapping[str, object]) -> list[Inbound]:
        object_ = item.part("data.object")
        told = _told(item.words("type"), object_, item.part("data.previous_attributes"), item, settings)
        message_id = item.id("id")
        return [
            hook_event(
                name,
                # The first event of a delivery has Stripe's own id; what goes with it is told apart by its name.
                message_id=f"{message_id}/{name}" if message_id and place else message_id,
                at=seconds(item, "created"),
                account=_account(object_, settings),
                contact=_contact(object_) if _account(object_, settings) is None else None,
                props=props,
                known_at=delivery.known_at,
            )
            for place, (name, props) in enumerate(told)
        ]


def _told(kind: str, object_: Part, previous: Part, item: Part, settings: Mapping[str, object]) -> Told:
    if kind.startswith("customer.subscription."):
        return _subscription(kind.removeprefix("customer.subscription."), object_, previous, settings)
    if kind in ("invoice.paid", "invoice.payment_failed", "invoice.overdue"):
        return _invoice(kind, object_, seconds(item, "created"))
    if kind == "charge.refunded":
        return _refund(object_, previous)
    if kind == "charge.dispute.created":
        currency = _currency(object_)
        told = {"amount": amount(object_, "amount", currency), "currency": currency, "reason": object_.text("reason")}
        return [("payment_disputed", told)]
    if kind == "payment_method.automatically_updated":
        return [("payment_method_changed", {"reason": "replaced"})]
    changed = previous.part("invoice_settings")
    if kind == "customer.updated" and ("default_payment_method" in changed or "default_source" in previous):
        return [("payment_method_changed", {})]
    return []


def _account(object_: Part, settings: Mapping[str, object]) -> str | None:
    chosen = settings.get("account_metadata")
    key = chosen if isinstance(chosen, str) and chosen else "account_id"
    details = ("", "subscription_details", "parent.subscription_details")
    for place in details:
        metadata = object_.part(f"{place}.metadata" if place else "metadata")
        if account := Part({"metadata": metadata.get(key)}).id("metadata"):
            return account
    own = object_.id("id") if object_.words("object") == "customer" else None
    return own or object_.id("customer") or object_.id("customer.id")


def _contact(object_: Part) -> str | None:
    places = ("customer_email", "receipt_email", "billing_details.email", "evidence.customer_email_address")
    return next((address for place in places if (address := object_.id(place))), None)


def _currency(object_: Part) -> str | None:
    return (object_.text("currency") or "").upper() or None


def _invoice(kind: str, invoice: Part, created: int | None) -> Told:
    currency = _currency(invoice)
    told: dict[str, Value] = {"invoice": invoice.id("id"), "currency": currency, "subscription": _subscribed(invoice)}
    if kind == "invoice.overdue":
        owed = "amount_remaining" if "amount_remaining" in invoice else "amount_due"
        return [("invoice_overdue", {**told, "amount": amount(invoice, owed, currency)})]
    if kind == "invoice.payment_failed":
        told["amount"] = amount(invoice, "amount_due", currency)
        told["attempts"] = invoice.number("attempt_count")
        told["next_attempt_at"] = iso_text(seconds(invoice, "next_payment_attempt"))
        told["reason"] = invoice.text("last_finalization_error.code")
        return [("payment_failed", told)]
    told["amount"] = paid = amount(invoice, "amount_paid", currency)
    # An invoice over nothing, as a trial has it, is no payment.
    return [] if paid == 0 else [("payment_succeeded", {**told, "on_time": _is_on_time(invoice, created)})]


def _subscribed(invoice: Part) -> str | None:
    return invoice.id("subscription") or invoice.id("parent.subscription_details.subscription")


def _is_on_time(invoice: Part, created: int | None) -> bool | None:
    """Paid on or before the day it was due; where cards are charged by themselves, at the first try."""
    paid = seconds(invoice, "status_transitions.paid_at") or created
    due = seconds(invoice, "due_date")
    if due is not None and paid is not None:
        return paid // _DAY <= due // _DAY
    attempts = invoice.number("attempt_count")
    return None if attempts is None else attempts <= 1


def _refund(charge: Part, previous: Part) -> Told:
    currency = _currency(charge)
    total = amount(charge, "amount_refunded", currency)
    before = amount(previous, "amount_refunded", currency) or Fraction(0)
    given = max(Fraction(0), total - before) if total is not None else None
    return [("payment_refunded", {"amount": given, "currency": currency, "invoice": charge.id("invoice")})]


def _subscription(what: str, subscription: Part, previous: Part, settings: Mapping[str, object]) -> Told:
    status = _status(subscription)
    if what not in ("created", "updated", "deleted", "paused", "resumed") or status is None:
        # Not begun: Stripe calls it incomplete until the first payment goes through.
        return []
    status = "cancelled" if what == "deleted" else status
    change = _change(what, subscription, previous, status)
    told: Told = [("subscription_changed", _state(subscription, status, change, settings))]
    plan = next((line.plan for line in lines(subscription)), None)
    was_trial = previous.words("status") == "trialing" or (what == "deleted" and _ended_in_trial(subscription))
    if status == "trial" and (what == "created" or "status" in previous):
        told.append(("trial_started", {"plan": plan, "ends_at": iso_text(seconds(subscription, "trial_end"))}))
    elif was_trial and status != "trial":
        told.append(("trial_ended", {"plan": plan, "converted": status in ("active", "past_due")}))
    return told


def _status(subscription: Part) -> str | None:
    status = _STATUS.get(subscription.words("status"))
    return "paused" if status in ("active", "past_due") and subscription.part("pause_collection") else status


def _change(what: str, subscription: Part, previous: Part, status: str) -> str:
    if status == "cancelled":
        return "cancelled"
    begins = ("incomplete", "trialing") if status != "trial" else ()
    if what == "created" or previous.words("status") in begins:
        return "new"
    before, now = monthly_price(_as_it_was(subscription, previous)), monthly_price(subscription)
    if before is not None and now is not None and before != now:
        return "upgrade" if now > before else "downgrade"
    was, ends = _period_end(_as_it_was(subscription, previous)), _period_end(subscription)
    return "renewal" if was is not None and ends is not None and ends > was else "other"


def _state(subscription: Part, status: str, change: str, settings: Mapping[str, object]) -> dict[str, Value]:
    paid = lines(subscription)
    mrr = monthly_price(subscription) if status in ("active", "past_due") else Fraction(0)
    details = subscription.part("cancellation_details")
    ends = next((at for key in ("ended_at", "cancel_at") if (at := seconds(subscription, key)) is not None), None)
    return {
        "change": change,
        "status": status,
        "plan": paid[0].plan if paid else None,
        "mrr": mrr,
        "currency": (paid[0].currency if paid else None) or _currency(subscription),
        "seats": paid[0].quantity if paid else None,
        "addons": max(0, len(paid) - 1),
        "renewal_at": iso_text(ends if ends is not None else _period_end(subscription)),
        "ending": status != "cancelled" and (subscription.truth("cancel_at_period_end") is True or ends is not None),
        "reason": details.text("feedback") or details.text("reason"),
        "subscription": subscription.id("id"),
        **told_at(details, "comment", settings),
    }


def _period_end(subscription: Part) -> int | None:
    """On the subscription in older payloads, on its items in newer ones; there the first to end counts."""
    own = seconds(subscription, "current_period_end")
    ends = [seconds(item, "current_period_end") for item in subscription.parts("items.data")]
    return own if own is not None else min((end for end in ends if end is not None), default=None)


def _as_it_was(subscription: Part, previous: Part) -> Part:
    """The subscription before the change. Stripe tells the members that changed; lists are told whole."""
    merged = Part(_merged(subscription, previous))
    if previous.part("plan") and "items" not in previous:
        return Part({key: merged.value(key) for key in merged if key != "items"})
    return merged


def _merged(now: Part, before: Part) -> dict[str, object]:
    found = {key: now.value(key) for key in now}
    for key in before:
        old, new = before.value(key), found.get(key)
        both = isinstance(old, dict) and isinstance(new, dict)
        found[key] = _merged(Part.of(new), Part.of(old)) if both else old
    return found


def _ended_in_trial(subscription: Part) -> bool:
    trial_end, ended = seconds(subscription, "trial_end"), seconds(subscription, "ended_at")
    return trial_end is not None and ended is not None and ended <= trial_end
