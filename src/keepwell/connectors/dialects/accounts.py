"""Accounts as tables know them, for whoever keeps a list of accounts elsewhere.

The body is `{"accounts": [{"id": "acme", "name": "Acme", "plan": "pro", "mrr": 1200}]}`. `id` is the account; what a
subscription has (plan, mrr, seats, renewal_at …) becomes `subscription_changed`, all other members become
`account_updated`. `at`, a time of ISO 8601, says since when it holds; without it, since it came. A member that is null
tells nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from keepwell.connectors.dialect import Dialect, Sender
from keepwell.connectors.kept_event import made_id
from keepwell.connectors.request import Broken, checked_item, request_of
from keepwell.connectors.strict_json import ENCODER
from keepwell.connectors.values import LONGEST_ID, RefusedError, happened_at, id_of, moment, props_text
from keepwell.facts.inbound import EVENT_BYTES, Inbound, Reading, Refusal, UnreadableError

LARGEST_BATCH: Final = 1_000
UPDATED: Final = "account_updated"
SUBSCRIBED: Final = "subscription_changed"
# Two events may come of one account, and each bears its own ending behind the id.
LONGEST_OWN_ID: Final = LONGEST_ID - len(SUBSCRIBED) - 1
_COUNTS: Final = frozenset(["seats", "team_seats", "addons", "features_in_plan", "advanced_features_in_plan"])
_NUMBERS: Final = _COUNTS | {"mrr", "usage_limit", "api_limit"}
_TEXTS: Final = frozenset(["plan", "currency", "status", "change", "reason", "subscription"])
_SUBSCRIPTION: Final = _NUMBERS | _TEXTS | {"renewal_at", "ending"}
_OWN: Final = frozenset(["id", "message_id", "at"])


@dataclass(frozen=True, slots=True)
class ToldAccount:
    """One account of a batch, checked. `message_id` and `at` (microseconds since 1970) are None where not told.

    `events` are the names and the properties of what becomes of it; `digest` stands for all of its content.
    """

    account: str
    message_id: str | None
    at: int | None
    digest: str
    events: tuple[tuple[str, str], ...]

    def inbound(self, message_id: str, at: int) -> list[Inbound]:
        """Its events, under ids that begin with one id."""
        return [
            Inbound(f"{message_id}/{name}", name, self.at if self.at is not None else at, self.account, None, props)
            for name, props in self.events
        ]


class Accounts(Dialect):
    kind: ClassVar[Literal["accounts"]] = "accounts"

    def read(self, body: bytes, sender: Sender, *, path: str, headers: Mapping[str, str], known_at: int) -> Reading:
        return _reading(told_accounts(body, sender, known_at=known_at), known_at)

    def replay(self, body: bytes, sender: Sender, *, known_at: int) -> Reading:
        return _reading(_told(request_of(body, None).items, sender, known_at, is_large=True), known_at)


def told_accounts(body: bytes, sender: Sender, *, known_at: int) -> list[ToldAccount | Refusal]:
    """What becomes of each account of a batch, in its order. Raises `UnreadableError` where there is no batch."""
    if b'"accounts"' not in body:
        raise UnreadableError("no_batch", 'The body has no list "accounts".')
    request = request_of(body, "accounts")
    if len(request.items) > LARGEST_BATCH:
        sentence = f"The batch has {len(request.items):,} accounts; at most {LARGEST_BATCH:,} are taken."
        raise UnreadableError("too_many_accounts", sentence, 413)
    return _told(request.items, sender, known_at, is_large=len(body) > EVENT_BYTES)


def _told(items: list[object], sender: Sender, known_at: int, *, is_large: bool) -> list[ToldAccount | Refusal]:
    found: list[ToldAccount | Refusal] = []
    for place, item in enumerate(items):
        try:
            found.append(_account(checked_item(item, is_large=is_large), sender, known_at))
        except RefusedError as error:
            found.append(_refusal(item, place, error, known_at))
    return found


def _account(item: Mapping[str, object], sender: Sender, known_at: int) -> ToldAccount:
    account = id_of(item.get("id"), "id")
    if account is None:
        raise RefusedError("no_subject", "id, the account, is missing or empty.")
    message_id = id_of(item.get("message_id"), "message_id")
    if message_id is not None and len(message_id) > LONGEST_OWN_ID:
        raise RefusedError("id_too_long", f"message_id is longer than {LONGEST_OWN_ID} characters.")
    told = item.get("at")
    at = None if told is None else happened_at(moment(told, "at"), None, known_at)
    traits = {key: value for key, value in item.items() if key not in _OWN and value is not None}
    subscription = {key: _checked(key, value) for key, value in traits.items() if key in _SUBSCRIPTION}
    others = {key: value for key, value in traits.items() if key not in _SUBSCRIPTION}
    events = []
    if others or not subscription:
        events.append((UPDATED, _props(UPDATED, others, sender)))
    if subscription:
        events.append((SUBSCRIBED, _props(SUBSCRIBED, subscription, sender)))
    digest = made_id([account, message_id, at, sorted(traits.items(), key=lambda pair: pair[0])], None)
    return ToldAccount(account, message_id, at, digest, tuple(events))


def _props(name: str, props: Mapping[str, object], sender: Sender) -> str:
    sender.check(name, props)
    return props_text(dict(sorted(props.items())))


def _checked(key: str, value: object) -> object:
    """What money and renewals are computed from must be of its type; a text would be no number later on."""
    if key in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise RefusedError("value_invalid", f"{key} must be a number from 0 upwards, not {str(value)[:40]!r}.")
    elif key == "renewal_at":
        moment(value, key)
    elif key == "ending":
        if not isinstance(value, bool):
            raise RefusedError("value_invalid", f"ending must be true or false, not {str(value)[:40]!r}.")
    elif not isinstance(value, str):
        raise RefusedError("value_invalid", f"{key} must be a text, not {str(value)[:40]!r}.")
    return value


def _refusal(item: object, place: int, error: RefusedError, known_at: int) -> Refusal:
    """What is kept stands alone: all of the item, with the id that it would have got."""
    if isinstance(item, Broken):
        return Refusal(place, error.code, error.sentence, "", item.text)
    if not isinstance(item, dict):
        return Refusal(place, error.code, error.sentence, "", ENCODER.encode(item))
    own = item.get("message_id")
    message_id = own if isinstance(own, str) and own else made_id(item, (known_at, place))
    return Refusal(place, error.code, error.sentence, message_id, ENCODER.encode({**item, "message_id": message_id}))


def _reading(found: list[ToldAccount | Refusal], known_at: int) -> Reading:
    reading = Reading()
    for one in found:
        if isinstance(one, Refusal):
            reading.refusals.append(one)
        else:
            reading.events.extend(one.inbound(one.message_id or f"upsert-{one.digest}", known_at))
    return reading
