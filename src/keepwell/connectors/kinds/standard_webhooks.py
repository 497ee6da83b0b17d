"""Any system that signs its hooks by the Standard Webhooks convention, Svix included.

At the other side enter the address `https://<your Keepwell>/hooks/standard_webhooks/<source>`, tick the events that
tell something about an account, and paste the secret it shows, `whsec_…`, into the settings of the source. The settings
also say where in the body things are, as paths such as `data.organisation.id`:

| setting | says where to find | without it |
|---|---|---|
| `type` | what happened | `type` |
| `account` | the id of the account | `data.account_id` |
| `contact` | the id or address of the contact | `data.contact_id` |
| `at` | when it happened: ISO 8601, or seconds since 1970 | `timestamp` |
| `props` | an object whose plain values are the properties, or a table of property and path | `data` |

`names` is a table from their types to event names of the package, such as `{"deal.won": "expansion_discussed"}`. With
it, types that it does not list are answered and dropped; without it, types are taken as event names. Values that are
objects or lists are left out unless `props` gives a path into them. A delivery counts once by its `webhook-id`.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import ClassVar, Literal

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from keepwell.connectors.connector import Connector, Delivery, UnsignedError
from keepwell.connectors.hook_event import Value, hook_event, instant, not_negative
from keepwell.connectors.payload import Part
from keepwell.connectors.signature import FIRST_SIGNATURES, header, is_equal, signed_second
from keepwell.connectors.values import RefusedError
from keepwell.facts.inbound import KEYS, Inbound

_MONEY = ("amount", "mrr", "price")


class StandardWebhooks(Connector):
    kind: ClassVar[Literal["standard_webhooks"]] = "standard_webhooks"
    title: ClassVar[str] = "Standard Webhooks"
    options: ClassVar[Mapping[str, str]] = {
        "type": "Where the body says what happened; type without it.",
        "account": "Where the id of the account is; data.account_id without it.",
        "contact": "Where the contact is; data.contact_id without it.",
        "at": "Where the time is; timestamp without it.",
        "props": "Where the object of properties is, data without it; or a table of property and path.",
        "names": "A table from their types to our event names; other types are dropped.",
    }

    def check(self, delivery: Delivery, secret: str, settings: Mapping[str, object]) -> None:
        check_standard(delivery, secret)

    def events(self, item: Part, delivery: Delivery, settings: Mapping[str, object]) -> list[Inbound]:
        type_ = item.words(_path(settings, "type", "type"))
        if not type_:
            raise RefusedError(
                "name_missing", "The body does not say what happened where `type` of the settings points."
            )
        names = settings.get("names")
        name = Part.of(names).get(type_) if isinstance(names, dict) and names else type_
        if not isinstance(name, str) or not name:
            return []
        event = hook_event(
            name,
            message_id=self.message_id(item, delivery),
            at=instant(item, _path(settings, "at", "timestamp")),
            account=item.id(_path(settings, "account", "data.account_id")),
            contact=item.id(_path(settings, "contact", "data.contact_id")),
            props=dict(_props(item, settings)),
            known_at=delivery.known_at,
        )
        return [event]

    def message_id(self, item: Part, delivery: Delivery) -> str:
        return delivery.headers.get("webhook-id") or delivery.headers.get("svix-id") or ""

    def headers_again(self, message_id: str) -> Mapping[str, str]:
        return {"webhook-id": message_id}


def check_standard(delivery: Delivery, secret: str) -> None:
    """Raise `UnsignedError` unless the headers `webhook-…` or `svix-…` hold a signature of the body by this secret."""
    prefix = "webhook" if "webhook-signature" in delivery.headers else "svix"
    message_id = header(delivery, f"{prefix}-id")
    second = signed_second(header(delivery, f"{prefix}-timestamp"), delivery)
    shown = header(delivery, f"{prefix}-signature").split(" ", FIRST_SIGNATURES)[:FIRST_SIGNATURES]
    try:
        # `sign`, not `verify`: that one takes the time from the clock of this machine.
        signed_at = datetime.fromtimestamp(second, tz=UTC)
        expected = Webhook(secret).sign(message_id, signed_at, delivery.body.decode())
    except EmptyWebhookSecretError:
        raise UnsignedError("The secret of this source is empty.") from None
    except UnicodeError:
        raise UnsignedError("The body is not UTF-8, so it was not signed by this convention.") from None
    except ValueError:
        raise UnsignedError("The secret of this source is not whsec_ and base64.") from None
    if not any(is_equal(signature, expected) for signature in shown):
        raise UnsignedError("None of the first signatures matches the body.")


def _path(settings: Mapping[str, object], name: str, usual: str) -> str:
    path = settings.get(name)
    return path if isinstance(path, str) and path else usual


def _props(item: Part, settings: Mapping[str, object]) -> Iterator[tuple[str, Value]]:
    chosen = settings.get("props")
    if isinstance(chosen, dict):
        found = {str(name): item.value(path) for name, path in chosen.items() if isinstance(path, str)}
    else:
        place = _path(settings, "props", "data")
        subjects = (_path(settings, "account", "data.account_id"), _path(settings, "contact", "data.contact_id"))
        whole = item.part(place)
        found = {name: whole.get(name) for name in whole if f"{place}.{name}" not in subjects}
    if len(found) > KEYS:
        raise RefusedError("too_many_keys", f"The event has {len(found)} properties; at most {KEYS} are taken.")
    for name, value in found.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and name in _MONEY:
            not_negative(name, Fraction(value))
        if isinstance(value, str | int | float | bool):
            yield name, value
