"""One event of a hook, checked before it goes in."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from keepwell.connectors.payload import Part, fit_id, fit_number, fit_text
from keepwell.connectors.values import RefusedError
from keepwell.facts.inbound import EVENT_BYTES, Inbound

SECOND: Final = 1_000_000
FURTHEST_AHEAD: Final = 24 * 3600 * SECOND
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_AFTER_LAST: Final = 253_402_300_800 * SECOND

Value = str | int | float | bool | Decimal | Fraction | None


def hook_event(
    name: str,
    *,
    message_id: str | None,
    at: int | None,
    account: str | None,
    contact: str | None,
    props: Mapping[str, Value],
    known_at: int,
) -> Inbound:
    """The event, or `RefusedError` for one that must not be stored. Properties without a value are left out.

    Times are in microseconds. Exact fractions become the nearest float at the very end.
    """
    if not message_id:
        raise RefusedError("message_id_missing", "The event has no id, so it could not be known when it comes again.")
    if not account and not contact:
        raise RefusedError("no_subject", "The event names neither an account nor a contact.")
    if at is None:
        raise RefusedError("time_missing", "The event does not say when it happened.")
    if not 0 <= at < _AFTER_LAST:
        raise RefusedError("time_out_of_range", "The event happened before 1970 or after the year 9999.")
    if at > known_at + FURTHEST_AHEAD:
        raise RefusedError("too_far_ahead", f"The event says it happens at {iso_text(at)}, more than a day from now.")
    told = {key: _json_value(key, value) for key, value in props.items() if value is not None}
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, allow_nan=False, separators=(",", ":")) if told else ""
    if len(text.encode()) > EVENT_BYTES:
        raise RefusedError("too_large", f"The properties of the event have more than {EVENT_BYTES} bytes.")
    return Inbound(
        fit_id("message id", message_id),
        fit_id("event name", name),
        at,
        fit_id("account", account) if account else None,
        fit_id("contact", contact) if contact else None,
        text,
    )


def seconds(item: Part, path: str) -> int | None:
    """A time given in seconds since 1970, in microseconds."""
    return _scaled(item, path, SECOND)


def milliseconds(item: Part, path: str) -> int | None:
    """A time given in milliseconds since 1970, in microseconds."""
    return _scaled(item, path, 1_000)


def instant(item: Part, path: str) -> int | None:
    """A time given as text of ISO 8601 or in seconds since 1970, in microseconds. Without a zone it is UTC."""
    text = item.words(path)
    return iso_time(text) if text else seconds(item, path)


def iso_time(text: str) -> int | None:
    """Microseconds since 1970 of a time in ISO 8601; None for what is none."""
    try:
        found = datetime.fromisoformat(text)
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return (aware.astimezone(UTC) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def iso_text(at: int | None) -> str | None:
    """The time as events tell it in their properties; None for one that no calendar has."""
    if at is None or not 0 <= at < _AFTER_LAST:
        return None
    return (_EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def not_negative(name: str, amount: Fraction | None) -> Fraction | None:
    """The amount; `RefusedError` below 0, since nobody is asked for less than nothing."""
    if amount is not None and amount < 0:
        raise RefusedError("negative_amount", f"`{name}` is {float(amount)}; an amount is never below 0.")
    return amount


def _scaled(item: Part, path: str, unit: int) -> int | None:
    number = item.number(path)
    return None if number is None or abs(number) > _AFTER_LAST else int(number * unit)


def _json_value(name: str, value: Value) -> str | int | float | bool | None:
    if isinstance(value, Decimal | Fraction):
        exact = Fraction(value)
        return fit_number(name, int(exact) if exact.denominator == 1 else float(exact))
    if isinstance(value, str):
        return fit_text(name, value)
    return value if isinstance(value, bool) or value is None else fit_number(name, value)
